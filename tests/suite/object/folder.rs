//! A folder as a store.

use std::io::ErrorKind;
use std::path::Path;

use highwater::Destination;
use highwater::record::Failed;

use super::*;

/// All files below a folder, by their paths.
fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|file| format!("{name}/{file}")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn records_are_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path()).unwrap();
    let users = users(&store);
    let all = fill(&users, 300).await;
    let mut read = users.reader().to_vec().await.unwrap();
    read.sort_by(|a, b| a.id.cmp(&b.id));
    assert!(read == all);
    assert!(
        files(folder.path()).iter().eq(all
            .iter()
            .map(|u| format!("users/{}.json", u.id))
            .collect::<Vec<_>>()
            .iter())
    );
    let text = std::fs::read_to_string(folder.path().join("users/u-00007.json")).unwrap();
    assert_eq!(text, "{\"name\":\"Ünï 7 \\\"q\\\"\",\"logins\":49}");
    // A prefix below which there is nothing is empty.
    assert!(store.resource::<User>("nobody").unwrap().reader().to_vec().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_object_is_there_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path()).unwrap();
    const MIB: usize = 1024 * 1024;
    let chunk = Bytes::from(bytes(6 * MIB));
    let put = || store.put("deep/er/large").unwrap().with_part_size(5 * MIB);
    Readable::from_iter([chunk.clone(), chunk.clone()]).pipe_to(put()).await.unwrap();
    assert!(is_whole(read(&store, "deep/er/large").await, &[&chunk[..], &chunk].concat()));

    // Aborted and dropped: the object is as it was, and there is nothing else.
    for drop_it in [false, true] {
        let mut half = put();
        half.write(chunk.clone()).await.unwrap();
        half.write(chunk.clone()).await.unwrap();
        if drop_it {
            drop(half);
            store.settled().await;
        } else {
            Destination::abort(&mut half, &Error::aborted()).await.unwrap();
        }
        assert_eq!(files(folder.path()), ["deep/er/large"]);
        assert_eq!(store.info("deep/er/large").await.unwrap().unwrap().size, 12 * MIB as u64);
    }
}

/// F94: links are neither followed nor replaced, wherever they lead.
#[cfg(unix)]
#[tokio::test]
async fn links_lead_nowhere() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::create_dir(folder.path().join("users")).unwrap();
    std::fs::write(outside.path().join("secret.json"), "{}").unwrap();
    let link =
        |to: &Path, name: &str| std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
    link(outside.path(), "linked");
    link(&outside.path().join("secret.json"), "users/u-00001.json");
    let store = Store::folder(folder.path()).unwrap();
    let refused = |error: &Error| {
        assert_eq!(error.io_kind(), Some(ErrorKind::PermissionDenied), "{error}");
        assert!(error.to_string().contains("symbolic link"), "{error}");
    };

    refused(&read(&store, "linked/secret.json").await.1.unwrap());
    refused(&store.info("linked/secret.json").await.unwrap_err());
    refused(&Readable::once("x").pipe_to(store.put("linked/new").unwrap()).await.unwrap_err());
    refused(&store.resource::<User>("linked").unwrap().ids().to_vec().await.unwrap_err());

    let users = users(&store);
    let error = Readable::once(user(1)).pipe_to(users.writer()).await.unwrap_err();
    refused(error.downcast_ref::<Failed<Record<User>>>().unwrap().error());
    // It is no record that could be read, either.
    assert!(users.reader().to_vec().await.unwrap().is_empty());
    assert_eq!(std::fs::read(outside.path().join("secret.json")).unwrap(), b"{}");
    assert_eq!(files(outside.path()), ["secret.json"]);
}

/// A temporary file is made new: whatever is at its name already stays as it is.
#[cfg(unix)]
#[tokio::test]
async fn a_link_at_the_name_of_a_temporary_file_is_not_followed() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let victim = outside.path().join("victim");
    std::fs::write(&victim, "mine").unwrap();
    std::fs::create_dir(folder.path().join("users")).unwrap();
    std::os::unix::fs::symlink(&victim, folder.path().join("users/a.json#1")).unwrap();
    let users = Store::folder(folder.path()).unwrap().resource::<u32>("users").unwrap();
    Readable::once(Record::new("a", 1)).pipe_to(users.writer()).await.unwrap();
    assert_eq!(std::fs::read(&victim).unwrap(), b"mine");
    assert_eq!(users.reader().to_vec().await.unwrap(), [Record::new("a", 1)]);
}

/// F94, F105: whatever an id is made of, its record is one file in the folder of its resource.
#[tokio::test]
async fn strange_ids_stay_in_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path()).unwrap();
    let ids = [
        "..",
        ".",
        "../../a",
        "/etc/passwd",
        "a\0b",
        "CON",
        "-rf",
        "a#1",
        "#",
        "%2e%2e%2f",
        "\u{1b}[2J",
        "~",
        "ü",
    ];
    let texts = store.resource::<String>("texts").unwrap();
    let records = || ids.map(|id| Record::new(id, id.to_owned()));
    Readable::from_iter(records()).pipe_to(texts.writer()).await.unwrap();
    let names = files(folder.path());
    assert_eq!(names.len(), ids.len());
    assert!(
        names
            .iter()
            .all(|name| name.strip_prefix("texts/").is_some_and(|name| !name.contains('/'))),
        "{names:?}"
    );
    let mut read = texts.reader().to_vec().await.unwrap();
    read.sort_by(|a, b| a.id.cmp(&b.id));
    let mut all = records().to_vec();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(read, all);

    // A name that the file system does not take is an error with the record.
    let long = Record::new("x".repeat(300), String::new());
    let error = Readable::once(long.clone()).pipe_to(texts.writer()).await.unwrap_err();
    assert_eq!(error.downcast_ref::<Failed<Record<String>>>().unwrap().item(), &long);
    assert_eq!(files(folder.path()).len(), ids.len());
}

#[tokio::test]
async fn a_record_that_is_gone_when_its_turn_comes() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path()).unwrap();
    let users = users(&store);
    fill(&users, 5).await;
    let mut reader =
        users.reader_with(highwater::object::ReaderOptions::new().with_concurrency(at_once(1)));
    reader.next().await.unwrap().unwrap();
    std::fs::remove_dir_all(folder.path().join("users")).unwrap();
    // One more may have been fetched ahead.
    let error = loop {
        if let Err(error) = reader.next().await.unwrap() {
            break error;
        }
    };
    let failed = error.downcast_ref::<Failed<String>>().unwrap();
    assert!(failed.error().downcast_ref::<highwater::object::StoreError>().unwrap().is_not_found());
}
