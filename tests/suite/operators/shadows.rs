//! With `futures::StreamExt` in scope, no operator leaves `Readable`: a compile-time test.

#[expect(unused_imports, reason = "the compiler says so: none of its methods is called below")]
use futures::StreamExt as _;
use highwater_core::{Readable, Result, Source};

use crate::support::{drain, quiet};

/// Only a readable passes.
fn readable<S: Source>(readable: Readable<S>) -> Readable<S> {
    readable
}

/// Every name that both have is answered by `Readable`: the closures get values, not results.
#[test]
fn every_operator_stays_a_readable() {
    let chain = readable(quiet(&[]).map(|x: u32| x));
    let chain = readable(chain.filter(|x: &u32| *x > 0));
    let chain = readable(chain.filter_map(|x: u32| Some(x)));
    let chain = readable(chain.flat_map(|x: u32| [x]));
    let chain = readable(chain.inspect(|_: &u32| ()));
    let chain = readable(chain.take(1));
    let chain = readable(chain.skip(1));
    let chain = readable(chain.take_while(|_: &u32| true));
    let chain = readable(chain.skip_while(|_: &u32| true));
    let chain = readable(chain.scan(0, |_: &mut i32, x: u32| Some(x)));
    let chain = readable(chain.enumerate());
    let chain = readable(chain.chunks(2));
    let chain = readable(chain.then(|x: Vec<(u64, u32)>| async move { Ok(x) }));
    let chain = readable(chain.chain(Readable::empty()));
    let chain = readable(chain.zip(Readable::from_iter(0..)));
    let chain = readable(chain.take_until(std::future::pending::<()>()));
    let mut chain = readable(chain.fuse());
    drop(readable(chain.by_ref()));
    let chain = readable(chain.boxed());
    assert!(drain(chain).0.is_empty());
}

/// The same for those that read to the end: each gives one `Result`.
#[tokio::test]
async fn every_collector_gives_a_result() -> Result<()> {
    let source = || Readable::from_iter([1, 2]);
    assert_eq!(source().fold(0, |sum: i32, x: i32| sum + x).await?, 3);
    assert!(source().any(|x: &i32| *x == 1).await?);
    assert!(!source().all(|x: &i32| *x == 1).await?);
    let count: u64 = source().count().await?;
    assert_eq!(count, 2);
    source().for_each(|_: i32| async { Ok(()) }).await?;
    let first: Result<i32> = source().next().await.unwrap();
    assert_eq!(first?, 1);
    Ok(())
}
