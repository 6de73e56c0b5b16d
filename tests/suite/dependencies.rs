//! Each crate says which Rust it needs, and a new user of the facade gets few packages.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Packages that a new crate gets with the default features of the facade, the crates of highwater included.
const MOST_PACKAGES: usize = 45;

/// A version of Rust: 1 and 85.
type Rust = (u32, u32);

/// The packages of a lock file that are built for this platform.
struct Graph {
    packages: BTreeMap<String, Package>,
}

/// A package of a graph.
struct Package {
    name: String,
    rust: Option<Rust>,
    /// The features that are on.
    features: BTreeSet<String>,
    all_features: BTreeSet<String>,
    /// The Rust that single features need, as its manifest says.
    rust_of_features: BTreeMap<String, Rust>,
    /// Ids of the dependencies that it is built with, those of its tests left out.
    dependencies: Vec<String>,
}

impl Graph {
    /// Reads the graph of the workspace with this manifest, a path from the root of the project.
    fn of(manifest: &str, arguments: &[&str]) -> Self {
        let mut command = cargo(&["metadata", "--format-version", "1"]);
        command.arg("--filter-platform").arg(platform());
        command.arg("--manifest-path").arg(root().join(manifest)).args(arguments);
        let metadata: Value = serde_json::from_str(&output(&mut command)).unwrap();
        let nodes = list(&metadata["resolve"]["nodes"]).map(|node| (text(&node["id"]), node));
        let nodes: BTreeMap<_, _> = nodes.collect();
        let packages = list(&metadata["packages"]);
        let packages = packages.map(|package| {
            let id = text(&package["id"]);
            (id.clone(), Package::of(package, nodes[&id]))
        });
        Self { packages: packages.collect() }
    }

    fn named(&self, name: &str) -> Option<&Package> {
        self.packages.values().find(|package| package.name == name)
    }

    /// The direct and indirect dependencies of a package, with the Rust that each of them needs.
    fn needs(&self, package: &Package) -> BTreeMap<String, Rust> {
        let (mut open, mut needs) = (package.dependencies.clone(), BTreeMap::new());
        while let Some(id) = open.pop() {
            let found = &self.packages[&id];
            if needs.insert(id, found.rust.unwrap_or_default()).is_none() {
                open.extend(found.dependencies.iter().cloned());
            }
        }
        needs
    }
}

impl Package {
    fn of(package: &Value, node: &Value) -> Self {
        let built =
            |dependency: &&Value| list(&dependency["dep_kinds"]).any(|kind| kind["kind"] != "dev");
        let dependencies = list(&node["deps"]).filter(built).map(|found| text(&found["pkg"]));
        let versions = package["metadata"]["rust-version"].as_object().into_iter().flatten();
        Self {
            name: text(&package["name"]),
            rust: package["rust_version"].as_str().map(rust),
            features: list(&node["features"]).map(text).collect(),
            all_features: package["features"].as_object().unwrap().keys().cloned().collect(),
            rust_of_features: versions
                .map(|(name, version)| (name.clone(), rust(&text(version))))
                .collect(),
            dependencies: dependencies.collect(),
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).arg("--locked").current_dir(root());
    cargo
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn platform() -> String {
    let version = output(Command::new("rustc").arg("-vV"));
    version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// `1.85` or `1.85.1`.
fn rust(version: &str) -> Rust {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// The crates of the project.
fn crates() -> impl Iterator<Item = String> {
    let folders = std::fs::read_dir(root().join("crates")).unwrap();
    folders.map(|folder| folder.unwrap().file_name().into_string().unwrap())
}

/// The crates that claim the oldest Rust, with versions of their dependencies that it can build.
fn oldest() -> Graph {
    Graph::of("tests/oldest/Cargo.toml", &["--features", "most"])
}

#[test]
fn no_crate_claims_an_older_rust_than_its_dependencies_need() {
    let (oldest, newer) = (oldest(), Graph::of("Cargo.toml", &["--all-features"]));
    for name in crates() {
        // Crates that need a newer Rust, such as the databases, are not in the first graph.
        let graph = if oldest.named(&name).is_some() { &oldest } else { &newer };
        let package = graph.named(&name).unwrap();
        let claimed = package.rust.expect("every crate says which Rust it needs");
        for (needed, rust) in graph.needs(package) {
            assert!(rust <= claimed, "{name} claims Rust {claimed:?}, and {needed} needs {rust:?}");
        }
    }
}

/// Either `tests/oldest` builds a feature, or the manifest says what it needs.
#[test]
fn every_feature_of_the_facade_says_which_rust_it_needs() {
    let (oldest, newer) = (oldest(), Graph::of("Cargo.toml", &["--all-features"]));
    let facade = oldest.named("highwater").unwrap();
    assert_eq!(facade.rust, oldest.named("highwater-oldest").unwrap().rust);
    let left_out: BTreeSet<&str> =
        facade.all_features.difference(&facade.features).map(String::as_str).collect();
    let said = facade.rust_of_features.keys().map(String::as_str);
    assert_eq!(left_out, said.chain(["full"]).collect());
    let newest = newer.needs(newer.named("highwater").unwrap()).into_values().max();
    for (feature, rust) in &facade.rust_of_features {
        assert_eq!(Some(*rust), newest, "{feature}");
    }
}

/// docs/DESIGN.md says of every dependency of the workspace why it is there.
#[test]
fn the_design_names_every_dependency() {
    let design = std::fs::read_to_string(root().join("docs/DESIGN.md")).unwrap();
    let section = design.split("\n## ").find(|section| section.starts_with("Dependencies\n"));
    let rows: Vec<&str> = section.unwrap().lines().filter(|line| line.starts_with('|')).collect();
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let entries = manifest.split("[workspace.dependencies]").nth(1).unwrap().split("\n[").next();
    let names = entries.unwrap().lines().filter_map(|line| line.split_once(" = "));
    for (name, _) in
        names.filter(|(name, _)| !name.starts_with('#') && !name.starts_with("highwater"))
    {
        assert!(rows.iter().any(|row| row.contains(&format!("`{name}`"))), "{name}");
    }
}

#[test]
fn a_new_crate_gets_few_packages() {
    let mut tree = cargo(&["tree", "--package", "highwater", "--edges", "normal,build"]);
    let tree = output(tree.args(["--prefix", "none", "--format", "{p}"]));
    // A package that was listed before ends with `(*)`; the path of one is the same each time.
    let names = tree.lines().map(|line| line.trim_end_matches(" (*)"));
    let packages: BTreeSet<&str> = names.collect();
    assert!(packages.len() <= MOST_PACKAGES, "{} packages: {packages:#?}", packages.len());
}
