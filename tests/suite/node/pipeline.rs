//! N124 to N141: the pipeline.

use futures::stream;
use highwater_core::{HighWaterMark, Readable, destination_fn};

/// N133: functions as source, stage and destination; what is wanted of them is the value of `fold` and the like.
#[tokio::test]
async fn n133_functions_are_stages() {
    let source = || {
        Readable::from_stream(Box::pin(stream::unfold(0, async |n| (n < 9).then_some((n, n + 1)))))
    };
    let odd = || {
        source().through(HighWaterMark::items(2), async |mut input, output| {
            while let Some(n) = input.next().await.transpose()? {
                if n % 2 == 1 {
                    output.send(n).await?;
                }
            }
            Ok(())
        })
    };
    let mut sum = 0;
    let add = destination_fn(|n: u32| {
        sum += n;
        async { Ok(()) }
    });
    odd().pipe_to(add).run().await.unwrap();
    assert_eq!((sum, odd().fold(0, |sum, n| sum + n).await.unwrap()), (16, 16));
}
