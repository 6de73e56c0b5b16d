//! Stores by their URLs.

use super::*;

#[test]
fn folders_and_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    for url in [path.to_owned(), format!("file://{path}")] {
        assert!(format!("{:?}", Store::open(&url).unwrap()).contains(path), "{url}");
    }
    assert!(Store::open("memory:///").is_ok());
    let refused = [
        "/no/such/folder",
        "file:///no/such/folder",
        "ftp://host/a",
        "http://host/a",
        "s3:bucket",
        "",
    ];
    for url in refused {
        assert!(Store::open(url).is_err(), "{url}");
    }
}

/// Nothing is asked of them: without credentials they are opened as well.
#[test]
fn stores_behind_a_network() {
    let options = || {
        StoreOptions::new()
            .with_option("AWS_REGION", "us-east-1")
            .with_option("aws_skip_signature", "true")
    };
    for (url, prefix) in [
        ("s3://bucket", ""),
        ("s3://bucket/", ""),
        ("s3://bucket/a/b", "a/b"),
        ("s3://bucket/a%20b/", "a b"),
    ] {
        let store = format!("{:?}", options().open(url).unwrap());
        assert!(store.contains(&format!("prefix: {prefix:?}")), "{url}: {store}");
    }
    for url in ["s3://bucket/a//b", "s3://bucket/%00"] {
        assert!(options().open(url).is_err(), "{url}");
    }
    let google = StoreOptions::new().with_option("google_skip_signature", "true");
    google.open("gs://bucket/a").unwrap();
    let azure = StoreOptions::new()
        .with_option("azure_storage_account_name", "a")
        .with_option("azure_skip_signature", "true");
    azure.open("az://container/a").unwrap();

    // What is not known is refused, and so is a setting of another store.
    for (name, url) in [
        ("aws_regoin", "s3://bucket"),
        ("aws_region", "gs://bucket"),
        ("google_bucket", "s3://bucket"),
    ] {
        let error = StoreOptions::new().with_option(name, "x").open(url).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}
