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
