//! Publishing while the broker blocks, as it does for want of memory. Through something between the service and a real broker,
//! chosen by `TEST_AMQP_URL`, which blocks instead, as the real one would block everybody.

use std::{
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
};
use ulid::Ulid;

/// The frames `connection.blocked`, with an empty reason, and `connection.unblocked`.
const BLOCKED: &[u8] = &[1, 0, 0, 0, 0, 0, 5, 0, 10, 0, 60, 0, 0xCE];
const UNBLOCKED: &[u8] = &[1, 0, 0, 0, 0, 0, 4, 0, 10, 0, 61, 0xCE];

/// What stands between the service and the broker.
struct Between {
    url: String,
    blocks: watch::Sender<bool>,
    connections: Arc<AtomicUsize>,
}

impl Between {
    async fn listen(broker: &str) -> Self {
        let uri: AMQPUri = broker.parse().unwrap();
        let there = format!("{}:{}", uri.authority.host, uri.authority.port);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap().to_string();
        let (blocks, blocked) = watch::channel(false);
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let url = broker.replacen(&there, &here, 1);
        tokio::spawn(async move {
            while let Ok((service, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let broker = TcpStream::connect(&there).await.unwrap();
                tokio::spawn(forward(service, broker, blocked.clone()));
            }
        });
        Self {
            url,
            blocks,
            connections,
        }
    }
}

/// Takes nothing from the service while the broker is to block, and tells the service so.
async fn forward(service: TcpStream, broker: TcpStream, mut blocked: watch::Receiver<bool>) {
    let mut bytes = vec![0; 65536];
    loop {
        let is_blocked = *blocked.borrow_and_update();
        tokio::select! {
            changed = blocked.changed() => {
                let Ok(()) = changed else { return };
                let told = if *blocked.borrow() { BLOCKED } else { UNBLOCKED };
                write(&service, told).await;
            }
            ready = broker.readable() => {
                ready.unwrap();
                if !pass_on(&broker, &service, &mut bytes).await {
                    return;
                }
            }
            ready = service.readable(), if !is_blocked => {
                ready.unwrap();
                if !pass_on(&service, &broker, &mut bytes).await {
                    return;
                }
            }
        }
    }
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

#[tokio::test]
async fn a_connection_that_is_blocked_is_kept_and_nobody_waits_for_it() {
    let url = std::env::var("TEST_AMQP_URL").ok();
    let Some(url) = url.filter(|url| !url.is_empty()) else {
        // Past what the test harness captures.
        let skipped = "skipped: TEST_AMQP_URL names no broker";
        writeln!(io::stderr(), "{skipped}").expect("standard error is open");
        return;
    };
    let between = Between::listen(&url).await;
    let queue = Queue::open(&QueueAddress::parse(&between.url).unwrap())
        .await
        .unwrap();
    let name: &'static str = format!("test.{}", Ulid::generate()).leak();
    send(&queue, name).await.unwrap();

    // Those that are under way may wait for an answer in vain; the others are told at once.
    between.blocks.send_replace(true);
    let (first, second) = tokio::join!(send(&queue, name), send(&queue, name));
    first.unwrap_err();
    second.unwrap_err();
    let begin = Instant::now();
    for _ in 0..10 {
        let error = send(&queue, name).await.unwrap_err().to_string();
        assert!(error.ends_with("takes no messages for now"), "{error}");
    }
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert_eq!(between.connections.load(Ordering::Relaxed), 1);

    between.blocks.send_replace(false);
    let sent_again = async {
        while send(&queue, name).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    let patience = Duration::from_secs(30);
    tokio::time::timeout(patience, sent_again)
        .await
        .expect("it is sent");
    assert_eq!(between.connections.load(Ordering::Relaxed), 1);

    queue.close().await;
    let connection = Connection::connect(&url, ConnectionProperties::default())
        .await
        .unwrap();
    let channel = connection.create_channel().await.unwrap();
    let others = (1..=4).map(|n| format!("{name}.retry.{n}"));
    for name in others.chain([format!("{name}.dead"), name.to_owned()]) {
        let deleting = channel.queue_delete(name.into(), QueueDeleteOptions::default());
        deleting.await.unwrap();
    }
}
