//! TCP connections and listeners on the loopback.

use highwater::net::{Listen, connect, listen};
use highwater::{Destination, Readable};
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// C1: a client that has said all is answered: the end of one direction leaves the other open.
#[tokio::test]
async fn the_end_of_one_direction_leaves_the_other_open() {
    let mut server = listen("127.0.0.1:0").await.unwrap();
    let address = server.address();
    let answer = async {
        let (request, mut answer) = server.next().await.unwrap().unwrap().split();
        let request = request.to_bytes().await.unwrap();
        Readable::once(request).pipe_to(&mut answer).run().await.unwrap();
    };
    let ask = async {
        let (answer, mut request) = connect(address).await.unwrap().split();
        Readable::once("all of it").pipe_to(&mut request).run().await.unwrap();
        answer.to_bytes().await.unwrap()
    };
    assert_eq!(tokio::join!(answer, ask).1, "all of it");
}

/// A4: a connection that is dropped without an end is reset; one that is finished has ended.
#[tokio::test]
async fn what_is_cut_off_is_no_end() {
    let mut server = listen("127.0.0.1:0").await.unwrap();
    for ends in [true, false] {
        let mut client = TcpStream::connect(server.address()).await.unwrap();
        let (incoming, mut outgoing) = server.next().await.unwrap().unwrap().split();
        outgoing.write("half").await.unwrap();
        Destination::<&str>::flush(&mut outgoing).await.unwrap();
        let mut half = [0; 4];
        client.read_exact(&mut half).await.unwrap();
        if ends {
            Destination::<&str>::finish(&mut outgoing).await.unwrap();
        }
        drop((incoming, outgoing));
        let read = client.read(&mut half).await.map_err(|error| error.kind());
        assert_eq!(read, if ends { Ok(0) } else { Err(ErrorKind::ConnectionReset) });
    }
}

/// Connections over the cap are closed at once and counted; a place that becomes free is given again.
#[tokio::test]
async fn connections_over_the_cap_are_refused() {
    for (limits, by_address) in
        [(Listen::default().connections(1), 0), (Listen::default().per_address(1), 1)]
    {
        let mut server = limits.bind("127.0.0.1:0").await.unwrap();
        let _first = TcpStream::connect(server.address()).await.unwrap();
        let held = server.next().await.unwrap().unwrap();
        let mut second = TcpStream::connect(server.address()).await.unwrap();
        let refusal = async {
            let mut byte = [0];
            drop(second.write_all(b"?").await);
            assert!(matches!(second.read(&mut byte).await, Ok(0) | Err(_)));
        };
        tokio::select! {
            () = refusal => {}
            next = server.next() => panic!("there is no place: {next:?}"),
        }
        let refused = (server.refused().total(), server.refused().for_their_address());
        assert_eq!((refused, server.open()), ((1, by_address), 1));
        drop(held);
        let _third = TcpStream::connect(server.address()).await.unwrap();
        assert!(server.next().await.unwrap().is_ok());
    }
}

/// F87: an address that cannot be had is named.
#[tokio::test]
async fn an_address_that_cannot_be_had_is_named() {
    let server = listen("127.0.0.1:0").await.unwrap();
    let address = server.address().to_string();
    let error = listen(address.as_str()).await.unwrap_err();
    assert_eq!(error.io_kind(), Some(ErrorKind::AddrInUse));
    assert!(error.to_string().contains(&address), "{error}");
    drop(server);
    let error = connect(address.as_str()).await.unwrap_err();
    assert_eq!(error.io_kind(), Some(ErrorKind::ConnectionRefused));
    assert!(error.to_string().contains(&address), "{error}");
}
