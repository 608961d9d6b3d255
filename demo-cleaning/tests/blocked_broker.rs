//! Publishing while the broker blocks, as it does for want of memory, or no longer answers. Through something between the service
//! and a real broker, chosen by `TEST_AMQP_URL`, which does that instead, as the real one would do it to everybody.

use std::{
    future::pending,
    io::{self, Write as _},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use demo_cleaning::queue::{Queue, QueueAddress, SendError};
use lapin::{Connection, ConnectionProperties, options::QueueDeleteOptions, uri::AMQPUri};
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{sleep, timeout},
};
use ulid::Ulid;

/// The frames `connection.blocked`, with an empty reason, and `connection.unblocked`.
const BLOCKED: &[u8] = &[1, 0, 0, 0, 0, 0, 5, 0, 10, 0, 60, 0, 0xCE];
const UNBLOCKED: &[u8] = &[1, 0, 0, 0, 0, 0, 4, 0, 10, 0, 61, 0xCE];

/// How the broker seems to the service.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Open,
    Blocked,
    /// The connections that there are pass on nothing any more, also when others do.
    Silent,
}

/// What stands between the service and the broker.
struct Between {
    broker: String,
    url: String,
    mode: watch::Sender<Mode>,
    connections: Arc<AtomicUsize>,
}

impl Between {
    async fn from_env() -> Option<Self> {
        let url = std::env::var("TEST_AMQP_URL").ok();
        let Some(url) = url.filter(|url| !url.is_empty()) else {
            // Past what the test harness captures.
            let skipped = "skipped: TEST_AMQP_URL names no broker";
            writeln!(io::stderr(), "{skipped}").expect("standard error is open");
            return None;
        };
        Some(Self::listen(&url).await)
    }

    async fn listen(broker: &str) -> Self {
        let uri: AMQPUri = broker.parse().unwrap();
        let there = format!("{}:{}", uri.authority.host, uri.authority.port);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap().to_string();
        let (mode, seen) = watch::channel(Mode::Open);
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let url = broker.replacen(&there, &here, 1);
        tokio::spawn(async move {
            while let Ok((service, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let broker = TcpStream::connect(&there).await.unwrap();
                tokio::spawn(forward(service, broker, seen.clone()));
            }
        });
        Self {
            broker: broker.to_owned(),
            url,
            mode,
            connections,
        }
    }

    async fn queue(&self) -> Queue {
        let address = QueueAddress::parse(&self.url).unwrap();
        Queue::open(&address).await.unwrap()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Removes what belongs to the queue of this name.
    async fn remove(self, name: &str) {
        let connecting = Connection::connect(&self.broker, ConnectionProperties::default());
        let channel = connecting.await.unwrap().create_channel().await.unwrap();
        let others = (1..=4).map(|n| format!("{name}.retry.{n}"));
        for name in others.chain([format!("{name}.dead"), name.to_owned()]) {
            let deleting = channel.queue_delete(name.into(), QueueDeleteOptions::default());
            deleting.await.unwrap();
        }
    }
}

/// Takes nothing from the service while the broker is to block, and tells the service so.
async fn forward(service: TcpStream, broker: TcpStream, mut mode: watch::Receiver<Mode>) {
    let mut bytes = vec![0; 65536];
    loop {
        let now = *mode.borrow_and_update();
        tokio::select! {
            changed = mode.changed() => {
                let Ok(()) = changed else { return };
                let told = match *mode.borrow() {
                    Mode::Open => UNBLOCKED,
                    Mode::Blocked => BLOCKED,
                    Mode::Silent => break,
                };
                write(&service, told).await;
            }
            ready = broker.readable() => {
                ready.unwrap();
                if !pass_on(&broker, &service, &mut bytes).await {
                    return;
                }
            }
            ready = service.readable(), if now == Mode::Open => {
                ready.unwrap();
                if !pass_on(&service, &broker, &mut bytes).await {
                    return;
                }
            }
        }
    }
    // Keeps both connections open.
    pending::<()>().await;
}

/// Whether there may be more.
async fn pass_on(from: &TcpStream, to: &TcpStream, bytes: &mut [u8]) -> bool {
    match from.try_read(bytes) {
        Ok(0) => false,
        Ok(count) => {
            write(to, &bytes[..count]).await;
            true
        }
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

async fn write(to: &TcpStream, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        to.writable().await.unwrap();
        match to.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
}

async fn send(queue: &Queue, name: &'static str) -> Result<(), SendError> {
    queue.send(name, &json!({"text": "hello"})).await
}

/// Sends until that succeeds.
async fn send_at_last(queue: &Queue, name: &'static str) {
    let sending = async {
        while send(queue, name).await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(30), sending)
        .await
        .expect("it is sent");
}

fn new_name() -> &'static str {
    format!("test.{}", Ulid::generate()).leak()
}

#[tokio::test]
async fn a_connection_that_is_blocked_is_kept_and_nobody_waits_for_it() {
    let Some(between) = Between::from_env().await else {
        return;
    };
    let (queue, name) = (between.queue().await, new_name());
    send(&queue, name).await.unwrap();

    // Those that are under way may wait for an answer in vain; the others are told at once.
    between.mode.send_replace(Mode::Blocked);
    let (first, second) = tokio::join!(send(&queue, name), send(&queue, name));
    first.unwrap_err();
    second.unwrap_err();
    let begin = Instant::now();
    for _ in 0..10 {
        let error = send(&queue, name).await.unwrap_err().to_string();
        assert!(error.ends_with("takes no messages for now"), "{error}");
    }
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert_eq!(between.connections(), 1);

    between.mode.send_replace(Mode::Open);
    send_at_last(&queue, name).await;
    assert_eq!(between.connections(), 1);
    queue.close().await;
    between.remove(name).await;
}

#[tokio::test]
async fn a_publish_that_fails_leaves_the_connection_that_another_has_made() {
    let Some(between) = Between::from_env().await else {
        return;
    };
    let (queue, name) = (between.queue().await, new_name());
    send(&queue, name).await.unwrap();

    between.mode.send_replace(Mode::Silent);
    let first = async {
        send(&queue, name).await.unwrap_err();
        send_at_last(&queue, name).await;
    };
    // Fails when the first has a new connection already.
    let second = async {
        sleep(Duration::from_millis(1500)).await;
        let sending = send(&queue, name);
        between.mode.send_replace(Mode::Open);
        sending.await.unwrap_err();
    };
    tokio::join!(first, second);
    send_at_last(&queue, name).await;
    assert_eq!(between.connections(), 2);
    queue.close().await;
    between.remove(name).await;
}
