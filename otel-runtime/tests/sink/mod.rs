//! What receives OTLP by HTTP and keeps each request as it came, answering as a test wants.

#![allow(
    dead_code,
    reason = "shared by test binaries of which none needs all of it"
)]

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// The request's line and its headers, in lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// The status with its reason, further headers with their line ends, and the body.
pub(crate) type Answer = (&'static str, &'static str, Vec<u8>);

/// Headers of an answer after which the connection is closed, as a proxy does that has waited long enough.
pub(crate) const CLOSE: &str = "x-test: the connection is closed\r\n";

pub(crate) const OK: Answer = ("200 OK", "", Vec::new());

/// A process that is just being started has a copy of each listener until its program runs, also of one that is gone here.
fn listen(address: SocketAddr) -> TcpListener {
    let give_up = Instant::now() + Duration::from_secs(10);
    loop {
        match TcpListener::bind(address) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < give_up => {
                thread::sleep(Duration::from_millis(1));
            }
            listener => return listener.expect("a free port"),
        }
    }
}

/// It stays until the process ends.
pub(crate) struct Sink {
    pub(crate) endpoint: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Sink {
    /// `answer` gets how many requests came before.
    pub(crate) fn start(answer: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Sink {
        Sink::at((Ipv4Addr::LOCALHOST, 0).into(), answer)
    }

    /// The same at an address.
    pub(crate) fn at(
        address: SocketAddr,
        answer: impl Fn(usize) -> Answer + Send + Sync + 'static,
    ) -> Sink {
        let listener = listen(address);
        let address = listener.local_addr().expect("an address");
        let received = Arc::default();
        let sink = Sink {
            endpoint: format!("http://{address}"),
            received: Arc::clone(&received),
        };
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (received, answer) = (Arc::clone(&received), Arc::clone(&answer));
                thread::spawn(move || serve(stream, &received, &*answer));
            }
        });
        sink
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().expect("no panic").clone()
    }
}

/// Until the sender closes the connection.
fn serve(mut stream: TcpStream, received: &Mutex<Vec<Received>>, answer: &dyn Fn(usize) -> Answer) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    while let Some(request) = read(&mut reader) {
        let before = {
            let mut received = received.lock().expect("no panic");
            received.push(request);
            received.len() - 1
        };
        let (status, headers, body) = answer(before);
        let head = format!(
            "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n",
            body.len()
        );
        let written = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(&body));
        if written.is_err() || headers == CLOSE {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut head = String::new();
    loop {
        let start = head.len();
        reader.read_line(&mut head).ok().filter(|read| *read > 0)?;
        if head[start..].trim().is_empty() {
            break;
        }
    }
    let head = head.to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))?;
    let mut body = vec![0; length.trim().parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Received { head, body })
}
