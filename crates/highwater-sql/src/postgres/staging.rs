//! The temporary table that an upsert goes through: `COPY` itself cannot replace rows.

use crate::table::Table;

/// What is copied into.
pub(super) fn copy(table: &Table) -> String {
    let columns = table.column_list();
    if table.is_upsert() {
        format!("COPY pg_temp.highwater_staging ({columns}) FROM STDIN")
    } else {
        format!("COPY {} ({columns}) FROM STDIN", table.quoted())
    }
}

/// Makes it: the columns of the table without its constraints. It is empty again after each transaction.
pub(super) fn create(table: &Table) -> String {
    format!(
        "{DROP}; CREATE TEMPORARY TABLE highwater_staging ON COMMIT DELETE ROWS AS {} WITH NO DATA",
        table.select()
    )
}

/// Moves its rows into the table. Of several with one key the last counts; rows whose key has a null in it are all
/// different, as they are to a unique index.
pub(super) fn merge(table: &Table) -> String {
    let columns = table.column_list();
    let key: Vec<String> = table.key().iter().map(ToString::to_string).collect();
    let nulls: String = key.iter().map(|key| format!(" OR {key} IS NULL")).collect();
    format!(
        "{}SELECT {columns} FROM (SELECT *, row_number() OVER (PARTITION BY {} ORDER BY ctid DESC) AS highwater_place \
         FROM pg_temp.highwater_staging) AS staged WHERE highwater_place = 1{nulls}{}",
        table.insert(),
        key.join(", "),
        table.on_conflict()
    )
}

/// Removes it.
pub(super) const DROP: &str = "DROP TABLE IF EXISTS pg_temp.highwater_staging";
/// Empties it within a transaction, which must not be inside a savepoint: there it would take a new file each time.
pub(super) const CLEAR: &str = "TRUNCATE pg_temp.highwater_staging; ";
