//! TCP connections and listeners on the loopback.

use bytes::Bytes;
use highwater::net::{Connect, Listen, SocketOptions, connect, listen};
use highwater::{Destination, Readable};
use std::io::ErrorKind;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::soon;

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
        Readable::once(Bytes::from("all of it")).pipe_to(&mut request).run().await.unwrap();
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
        outgoing.write(Bytes::from("half")).await.unwrap();
        Destination::flush(&mut outgoing).await.unwrap();
        let mut half = [0; 4];
        client.read_exact(&mut half).await.unwrap();
        if ends {
            Destination::finish(&mut outgoing).await.unwrap();
        }
        drop((incoming, outgoing));
        let read = client.read(&mut half).await.map_err(|error| error.kind());
        assert_eq!(read, if ends { Ok(0) } else { Err(ErrorKind::ConnectionReset) });
    }
}

/// Connections over the cap are closed at once and counted; a place that becomes free is given again.
#[tokio::test]
async fn connections_over_the_cap_are_refused() {
    for (limits, by_address) in [
        (Listen::default().with_max_connections(1), 0),
        (Listen::default().with_max_per_address(1), 1),
    ] {
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

/// Keep-alive is on, on both sides, and the socket is there for other options.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn silent_peers_are_probed() {
    let twenty = Duration::from_secs(20);
    for (options, time) in [
        (SocketOptions::default(), Some(60)),
        (SocketOptions::default().with_keep_alive(twenty), Some(20)),
        (SocketOptions::default().without_keep_alive(), None),
    ] {
        let listen = Listen::default().with_socket(options.clone());
        let mut server = listen.bind("127.0.0.1:0").await.unwrap();
        let (address, connect) = (server.address(), Connect::default().with_socket(options));
        let (near, far) = tokio::try_join!(connect.connect(address), server.accept()).unwrap();
        for socket in [SockRef::from(near.get_ref()), SockRef::from(far.get_ref())] {
            assert_eq!(socket.keepalive().unwrap(), time.is_some());
            if let Some(time) = time {
                assert_eq!(socket.tcp_keepalive_time().unwrap().as_secs(), time);
                assert_eq!(socket.tcp_keepalive_interval().unwrap().as_secs(), 15);
            }
        }
        SockRef::from(near.get_ref()).set_recv_buffer_size(8192).unwrap();
    }
}

#[test]
#[should_panic(expected = "must be 1 to 32767 s")]
fn a_keep_alive_below_a_second_is_a_mistake() {
    drop(SocketOptions::default().with_keep_alive(Duration::from_millis(999)));
}

#[test]
#[should_panic(expected = "must be 1 to 32767 s")]
fn a_keep_alive_that_the_system_cannot_count_is_a_mistake() {
    drop(SocketOptions::default().with_keep_alive(Duration::MAX));
}

/// The longest limit is no limit: connections come as without one.
#[tokio::test]
async fn the_longest_time_limits_are_none() {
    let longest = Duration::MAX;
    let options = SocketOptions::default().with_user_timeout(longest);
    let listen = Listen::default().with_socket(options.clone());
    let mut server = listen.bind("127.0.0.1:0").await.unwrap();
    let address = server.address();
    let connect = Connect::default().with_socket(options).with_timeout(longest);
    let (near, _far) = tokio::try_join!(connect.connect(address), server.accept()).unwrap();
    assert_eq!(near.peer().port(), near.get_ref().peer_addr().unwrap().port());
}

/// A host that does not answer is not waited for longer than asked. Here the queue of a listener is full, so that Linux
/// drops what comes.
#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_connect_that_is_not_answered_times_out() {
    let listener =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let connect = Connect::default().with_timeout(Duration::from_secs(3));
    let mut waiting = Vec::new();
    let error = loop {
        match soon(connect.connect(address)).await {
            Ok(socket) => waiting.push(socket),
            Err(error) => break error,
        }
        assert!(waiting.len() < 10, "the queue is never full");
    };
    assert!(error.is_timeout() && error.stage() == Some("net::connect"), "{error:?}");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

/// A listener that is broken says so, rather than to try for ever. Linux cannot accept from one that was shut down.
#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_broken_listener_is_an_error() {
    let mut server = listen("127.0.0.1:0").await.unwrap();
    SockRef::from(server.get_ref()).shutdown(std::net::Shutdown::Both).unwrap();
    for _ in 0..2 {
        let error = soon(server.accept()).await.unwrap_err();
        assert_eq!((error.stage(), error.is_io()), (Some("net::listen"), true), "{error:?}");
    }
    assert_eq!(server.accept_failures().total(), 0);
    let mut connections = server.into_readable();
    assert!(soon(connections.next()).await.unwrap().is_err());
    assert!(soon(connections.next()).await.is_none(), "an error ends it");
}
