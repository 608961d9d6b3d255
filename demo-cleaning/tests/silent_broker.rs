//! A broker that takes connections and says nothing, as one does that hangs.

use std::{
    io::Read as _,
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use demo_cleaning::queue::{Queue, QueueAddress};
use serde_json::json;

/// Counts the connections that there were, and those that are open.
#[derive(Default)]
struct Count {
    all: AtomicUsize,
    open: AtomicUsize,
}

impl Count {
    fn all(&self) -> usize {
        self.all.load(Ordering::Relaxed)
    }

    fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Reads until the other side ends the connection.
    fn watch(&self, mut stream: TcpStream) {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.all.fetch_add(1, Ordering::Relaxed);
        while stream.read(&mut [0; 64]).is_ok_and(|count| count > 0) {}
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_silent_broker_holds_one_connection_however_often_it_is_tried() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(Count::default());
    let counting = Arc::clone(&count);
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let counting = Arc::clone(&counting);
            thread::spawn(move || counting.watch(stream));
        }
    });
    let address = QueueAddress::parse(&format!("amqp://guest:guest@127.0.0.1:{port}/%2f"));
    let queue = Queue::open(&address.unwrap()).await.unwrap();
    let give_up = Instant::now() + Duration::from_mins(1);
    while count.all() < 3 || count.open() > 1 {
        assert!(Instant::now() < give_up, "{} are open", count.open());
        queue.send("nowhere", &json!({})).await.unwrap_err();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(count.open(), 1);
}
