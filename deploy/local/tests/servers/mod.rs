//! The servers that `TEST_POSTGRES_URL` and `TEST_AMQP_URL` name.

use std::{
    env,
    io::{self, Write},
};

use demo_local::{
    postgres::PostgresDatabase,
    rabbitmq::ReservedBroker,
    stack::{Databases, Ports, Queues, Setting, Telemetry},
};

/// A database and queues of one test.
pub(crate) struct Servers {
    database: PostgresDatabase,
    pub(crate) broker: ReservedBroker,
}

impl Servers {
    /// A new database and empty queues; `None`, and said so, when there are no servers.
    pub(crate) async fn from_env(test: &str) -> Option<Self> {
        let server = variable(test, "TEST_POSTGRES_URL")?;
        let broker = variable(test, "TEST_AMQP_URL")?;
        Some(Self {
            broker: ReservedBroker::reserve(&broker).await.unwrap(),
            database: PostgresDatabase::create(&server).unwrap(),
        })
    }

    /// Where to keep data and messages.
    pub(crate) fn setting(&self, ports: Ports, telemetry: Telemetry) -> Setting {
        Setting {
            ports,
            databases: Databases::Shared(self.database.url.clone()),
            queues: Queues::Broker(self.broker.url.clone()),
            telemetry,
        }
    }
}

/// The value of a variable that chooses tests; `None`, and said so, when it is not set.
pub(crate) fn variable(test: &str, name: &str) -> Option<String> {
    let value = env::var(name).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        tell(&format!("{test}: skipped, since {name} is not set"));
    }
    value
}

/// Told beside the result of the test: unlike with `eprintln!`, it is not captured.
pub(crate) fn tell(line: &str) {
    io::stderr()
        .write_all(format!("{line}\n").as_bytes())
        .unwrap();
}
