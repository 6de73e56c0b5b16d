//! What the README and the guides say is there is there.

use std::path::{Path, PathBuf};

/// The root of the project.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The files with a text for readers.
fn documents() -> Vec<PathBuf> {
    let folders = [root(), root().join("docs"), root().join("examples"), root().join("benches")];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let documents = files.map(|file| file.unwrap().path());
    documents.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// What stands in `](…)` outside of code, without web addresses and places within the same file.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let prose = text.split("```").step_by(2);
    let ends = prose.flat_map(|prose| prose.split("](").skip(1));
    let targets = ends.filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.starts_with('#'))
}

#[test]
fn every_link_leads_somewhere() {
    let mut count = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for link in links(&text) {
            let path = link.split('#').next().unwrap_or_default();
            let target = document.parent().unwrap().join(path);
            assert!(target.exists(), "{}: {link}", document.display());
            count += 1;
        }
    }
    assert!(count > 10, "{count} links");
}

#[test]
fn the_readme_names_every_crate() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for folder in std::fs::read_dir(root().join("crates")).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        assert!(readme.contains(&format!("](crates/{name})")), "{name}");
    }
}

/// The public methods that a source file declares on `Readable`, or on an extension trait.
fn methods(source: &str) -> Vec<&str> {
    let (mut methods, mut public) = (Vec::new(), None);
    for line in source.lines() {
        if line.starts_with("impl") {
            let is_readable = line.contains(" Readable<") && !line.contains(" for ");
            public = is_readable.then_some("    pub ");
        } else if line.starts_with("pub trait ") {
            let is_extension = line.split('<').next().is_some_and(|name| name.ends_with("Ext"));
            public = is_extension.then_some("    ");
        }
        let declared = public.and_then(|public| line.strip_prefix(public));
        let declared = declared.map(|line| line.trim_start_matches("async "));
        let named = declared.and_then(|line| line.strip_prefix("fn "));
        methods.extend(named.and_then(|line| line.split(['(', '<']).next()));
    }
    methods
}

/// Calls `f` with each source file below.
fn each_source(folder: &Path, f: &mut impl FnMut(&Path, String)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            each_source(&path, f);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            f(&path, std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// The table in the documentation of `Readable` has every method, of every crate.
#[test]
fn the_table_of_readable_has_every_method() {
    let crates = root().join("crates");
    let table = crates.join("highwater-core/src/readable/methods.md");
    let table = std::fs::read_to_string(table).unwrap();
    let mut count = 0;
    each_source(&crates, &mut |path, source| {
        for name in methods(&source) {
            assert!(table.contains(&format!("`{name}`")), "{name}, of {}", path.display());
            count += 1;
        }
    });
    assert!(count > 100, "{count} methods");
}
