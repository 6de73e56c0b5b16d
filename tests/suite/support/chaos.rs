//! A proxy for HTTP/1.1 on loopback that goes wrong on command.
//!
//! It needs no privileges and no tools: it stands between a client and a real server, and cuts, drops, delays for ever or
//! changes answers as a closure says, request by request.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use highwater_core::task::{Task, spawn};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

/// The proxy. It ends when it is dropped.
pub(crate) struct Chaos {
    address: SocketAddr,
    shared: Arc<Shared>,
    _server: Task<()>,
}

struct Shared {
    server: SocketAddr,
    script: Mutex<Box<Script>>,
    requests: Mutex<Vec<Request>>,
    /// Ends what is silent.
    next_script: Notify,
    /// Requests that the server has and has not answered.
    passed_on: watch::Sender<usize>,
    /// Answers that the clients have taken whole.
    delivered: watch::Sender<usize>,
}

/// A request as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path and the query.
    pub(crate) target: String,
    /// The lines behind the first.
    pub(crate) headers: String,
}

/// What becomes of a request.
pub(crate) enum Fault {
    /// It is passed on, and so is the answer.
    None,
    /// It is not passed on; this is the answer.
    Instead(Answer),
    /// It is not passed on, and not answered.
    Drop(Ending),
    /// It is passed on; of the answer come so many bytes, the head included.
    Cut(usize, Ending),
    /// It is passed on; the answer is changed.
    Change(Box<dyn FnOnce(&mut Answer) + Send>),
}

/// How a connection ends that does not end well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// FIN: all that was sent arrives.
    Close,
    /// RST: what was sent may get lost.
    Reset,
    /// Nothing more comes, until the other side gives up or another script is played.
    Silence,
}

/// The answer to a request.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// All lines up to the empty one, each with its ending.
    head: String,
    pub(crate) body: Vec<u8>,
    /// The body comes again and again.
    endless: bool,
}

type Script = dyn FnMut(&Request) -> Fault + Send;

impl Chaos {
    /// Starts one in front of a server. It passes everything on.
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server,
            script: Mutex::new(Box::new(|_| Fault::None)),
            requests: Mutex::default(),
            next_script: Notify::new(),
            passed_on: watch::Sender::new(0),
            delivered: watch::Sender::new(0),
        });
        let own = Arc::clone(&shared);
        let serve = move |client| {
            let shared = Arc::clone(&own);
            spawn(async move { drop(connection(client, &shared).await) })
        };
        Self { address, shared, _server: spawn(accept(listener, serve)) }
    }

    /// From now on, `script` is asked for every request. What was seen before is forgotten.
    pub(crate) fn play(&self, script: impl FnMut(&Request) -> Fault + Send + 'static) {
        *locked(&self.shared.script) = Box::new(script);
        locked(&self.shared.requests).clear();
        self.shared.delivered.send_replace(0);
        self.shared.next_script.notify_waiters();
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the server has answered all that was passed on to it, whether somebody waits for the answer or not.
    pub(crate) async fn idle(&self) {
        self.shared.passed_on.subscribe().wait_for(|requests| *requests == 0).await.unwrap();
    }

    /// Waits until so many answers were taken whole since the script was last changed.
    pub(crate) async fn delivered(&self, answers: usize) {
        let mut delivered = self.shared.delivered.subscribe();
        delivered.wait_for(|so_far| *so_far >= answers).await.unwrap();
    }

    /// The requests so far, in the order in which they came.
    pub(crate) fn requests(&self) -> Vec<Request> {
        locked(&self.shared.requests).clone()
    }
}

/// Accepts for ever, and keeps the tasks of the connections.
pub(super) async fn accept(listener: TcpListener, serve: impl Fn(TcpStream) -> Task<()>) {
    let mut connections = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    connections.push(serve(client));
                }
            }
            Some(_) = connections.next() => {}
        }
    }
}

/// Serves one client, request by request, until it leaves or a fault ends it.
async fn connection(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut buffer = Vec::new();
    while let Some((request, body)) = read_request(&mut client, &mut buffer).await? {
        locked(&shared.requests).push(request.clone());
        let fault = locked(&shared.script)(&request);
        match fault {
            Fault::None => {
                let answer = shared.pass_on(&request, &body).await?;
                answer.send(&mut client).await?;
            }
            Fault::Instead(answer) => answer.send(&mut client).await?,
            Fault::Change(change) => {
                let mut answer = shared.pass_on(&request, &body).await?;
                change(&mut answer);
                answer.send(&mut client).await?;
            }
            Fault::Drop(ending) => return end(client, ending, shared).await,
            Fault::Cut(after, ending) => {
                let bytes = shared.pass_on(&request, &body).await?.bytes();
                client.write_all(&bytes[..after.min(bytes.len())]).await?;
                return end(client, ending, shared).await;
            }
        }
        shared.delivered.send_modify(|answers| *answers += 1);
    }
    Ok(())
}

/// Reads the next request and its body; `None` when the client has left.
async fn read_request(
    client: &mut TcpStream,
    buffer: &mut Vec<u8>,
) -> io::Result<Option<(Request, Vec<u8>)>> {
    let head = loop {
        if let Some(end) = head_end(buffer) {
            break buffer.drain(..end).collect::<Vec<u8>>();
        }
        if client.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8(head).map_err(io::Error::other)?;
    let (first, headers) = head.split_once("\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let mut words = first.split(' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    let request = Request { method: word(), target: word(), headers: headers.to_owned() };
    let length = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while buffer.len() < length {
        if client.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    let body = buffer.drain(..length).collect();
    Ok(Some((request, body)))
}

/// Where a head ends: behind the first empty line.
fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

impl Shared {
    async fn pass_on(&self, request: &Request, body: &[u8]) -> io::Result<Answer> {
        self.passed_on.send_modify(|requests| *requests += 1);
        let answer = ask(self.server, request, body).await;
        self.passed_on.send_modify(|requests| *requests -= 1);
        answer
    }
}

/// Asks the server on a connection of its own, whose end is the end of the answer.
async fn ask(server: SocketAddr, request: &Request, body: &[u8]) -> io::Result<Answer> {
    let Request { method, target, headers } = request;
    let head = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n{headers}");
    let mut server = TcpStream::connect(server).await?;
    server.write_all(head.as_bytes()).await?;
    server.write_all(body).await?;
    let mut bytes = Vec::new();
    server.read_to_end(&mut bytes).await?;
    let body = bytes.split_off(head_end(&bytes).ok_or(io::ErrorKind::UnexpectedEof)?);
    let mut answer =
        Answer { head: String::from_utf8_lossy(&bytes).into_owned(), body, endless: false };
    // To the client, the connection goes on.
    answer.set_header("connection", None);
    Ok(answer)
}

async fn end(mut client: TcpStream, ending: Ending, shared: &Shared) -> io::Result<()> {
    match ending {
        Ending::Close => client.shutdown().await,
        // The drop that follows is then a reset.
        Ending::Reset => client.set_zero_linger(),
        Ending::Silence => {
            let mut ignored = Vec::new();
            tokio::select! {
                () = shared.next_script.notified() => Ok(()),
                left = client.read_to_end(&mut ignored) => left.map(drop),
            }
        }
    }
}

impl Request {
    /// The value of a header, its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Whether the query has a parameter with this name.
    pub(crate) fn asks(&self, parameter: &str) -> bool {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        query.split('&').any(|pair| pair.split('=').next() == Some(parameter))
    }
}

impl Answer {
    /// An answer with a body whose length it says.
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let head = format!("HTTP/1.1 {status} Status\r\ncontent-length: {}\r\n\r\n", body.len());
        Self { head, body, endless: false }
    }

    /// An answer that does not end before the other side does.
    pub(crate) fn endless(status: u16) -> Self {
        let mut answer = Self::new(status, vec![b' '; 1 << 16]);
        answer.set_header("content-length", None);
        answer.endless = true;
        answer
    }

    /// The value of a header, its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// Sets a header, or removes it.
    pub(crate) fn set_header(&mut self, name: &str, value: Option<&str>) {
        let lines =
            self.head.split_inclusive("\r\n").filter(|line| !names(line, name) && *line != "\r\n");
        let mut head: String = lines.collect();
        if let Some(value) = value {
            head += &format!("{name}: {value}\r\n");
        }
        self.head = head + "\r\n";
    }

    pub(crate) fn set_status(&mut self, status: u16) {
        let lines = self.head.split_once("\r\n").map_or("", |(_, lines)| lines);
        self.head = format!("HTTP/1.1 {status} Status\r\n{lines}");
    }

    /// Sets the body, and says its length.
    pub(crate) fn set_body(&mut self, body: impl Into<Vec<u8>>) {
        self.body = body.into();
        self.set_header("transfer-encoding", None);
        let length = self.body.len().to_string();
        self.set_header("content-length", Some(&length));
    }

    pub(crate) fn len(&self) -> usize {
        self.head.len() + self.body.len()
    }

    async fn send(&self, client: &mut TcpStream) -> io::Result<()> {
        client.write_all(&self.bytes()).await?;
        if self.endless {
            loop {
                client.write_all(&self.body).await?;
            }
        }
        Ok(())
    }

    fn bytes(&self) -> Vec<u8> {
        [self.head.as_bytes(), &self.body].concat()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn header<'a>(lines: &'a str, name: &str) -> Option<&'a str> {
    let line = lines.split("\r\n").find(|line| names(line, name))?;
    Some(line[name.len() + 1..].trim())
}

fn names(line: &str, name: &str) -> bool {
    line.split_once(':').is_some_and(|(one, _)| one.eq_ignore_ascii_case(name))
}
