//! Tests only. `TEST_MYSQL_URL` names the server, and a user who may create databases and users in it:
//!
//! ```sh
//! apt-get install -y libmariadb-dev libmariadb-dev-compat
//! export TEST_MYSQL_URL=mysql://root@127.0.0.1:3306/test
//! cargo test --manifest-path otel-runtime/tests/mysql/Cargo.toml --target-dir target
//! ```
