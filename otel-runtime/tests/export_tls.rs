//! Receivers over TLS: whom the sender trusts, and what it says when it does not.

mod child;
mod sink;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use otel_runtime::testing::Collector;
use otel_runtime::traced_span;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sink::{OK, Sink};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// The variable that makes this test binary the process under test: who makes its spans.
const CHILD: &str = "TEST_EXPORT_TLS_CHILD";

const PATIENCE: Duration = Duration::from_secs(20);

#[traced_span("work")]
fn work() {
    log::info!("working");
}

/// Makes a span and a line, and says what became of them.
#[test]
#[expect(clippy::print_stderr, reason = "the other tests read it")]
fn child_process() {
    let Ok(who) = std::env::var(CHILD) else {
        return;
    };
    let builder = otel_runtime::builder();
    let builder = if who == "sdk" {
        builder.sdk_provider()
    } else {
        builder
    };
    let telemetry = match builder.init() {
        Ok(telemetry) => telemetry,
        Err(error) => {
            eprintln!("init: {error}");
            return;
        }
    };
    let mut logger = env_logger::Builder::new();
    let logger = logger.filter_level(log::LevelFilter::Info).build();
    otel_runtime::instrument::log::init(logger, log::LevelFilter::Info).expect("the first logger");
    work();
    eprintln!("end: {:?}", telemetry.shutdown(PATIENCE));
}

/// Runs the child, and returns what it said.
fn run(who: &str, variables: &[(&str, &str)]) -> String {
    let mut command = child::command(CHILD, who);
    // Nobody signs for the system, unless a test says so.
    command.env("SSL_CERT_FILE", "/dev/null");
    command.env_remove("SSL_CERT_DIR");
    command.env("OTEL_EXPORTER_OTLP_TIMEOUT", "3000");
    command.envs(variables.iter().copied());
    let Output { status, stderr, .. } = command.output().expect("the test runs again");
    let said = String::from_utf8_lossy(&stderr).into_owned();
    assert!(status.success(), "{said}");
    said
}

/// Signs certificates, which it keeps in files.
struct Authority {
    folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key.
struct Signed {
    certificate: PathBuf,
    key: PathBuf,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("authority.pem"), issuer.pem()).expect("a file");
        Self { folder, issuer }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its own certificate.
    fn certificate(&self) -> String {
        text(&self.file("authority.pem"))
    }

    fn sign(&self, name: &str) -> Signed {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("a signature");
        let signed = Signed {
            certificate: self.file(&format!("{name}.pem")),
            key: self.file(&format!("{name}.key")),
        };
        fs::write(&signed.certificate, certificate.pem()).expect("a file");
        fs::write(&signed.key, key.serialize_pem()).expect("a file");
        signed
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path of letters").to_owned()
}

/// Takes TLS connections and passes on what they carry.
struct Terminator {
    port: u16,
    _runtime: Runtime,
}

impl Terminator {
    /// Presents a certificate, and asks for one of those that `clients` signed.
    fn start(to: &str, signed: &Signed, clients: Option<&Authority>) -> Self {
        let roots = clients.map(|clients| {
            let mut roots = RootCertStore::empty();
            let certificate = CertificateDer::from_pem_file(clients.file("authority.pem"));
            roots.add(certificate.expect("PEM")).expect("a certificate");
            roots
        });
        let config = ServerConfig::builder();
        let config = match roots {
            Some(roots) => {
                let verifier = WebPkiClientVerifier::builder(roots.into()).build();
                config.with_client_cert_verifier(verifier.expect("an authority"))
            }
            None => config.with_no_client_auth(),
        };
        let certificate = CertificateDer::from_pem_file(&signed.certificate).expect("PEM");
        let key = PrivateKeyDer::from_pem_file(&signed.key).expect("PEM");
        let mut config = config
            .with_single_cert(vec![certificate], key)
            .expect("they belong together");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let to = to.strip_prefix("http://").expect("an endpoint").to_owned();
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        runtime.spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (acceptor, to) = (acceptor.clone(), to.clone());
                tokio::spawn(async move {
                    let mut connection = acceptor.accept(connection).await?;
                    let mut onward = TcpStream::connect(to).await?;
                    tokio::io::copy_bidirectional(&mut connection, &mut onward).await
                });
            }
        });
        Self {
            port,
            _runtime: runtime,
        }
    }

    fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.port)
    }
}

/// Where a collector takes what comes by this protocol.
fn behind(collector: &Collector, protocol: &str) -> String {
    match protocol {
        "grpc" => collector.grpc_endpoint(),
        _ => collector.http_endpoint(),
    }
}

#[test]
fn spans_and_lines_leave_over_tls() {
    let authority = Authority::new();
    let signed = authority.sign("localhost");
    for who in ["engine", "sdk"] {
        for protocol in ["http/protobuf", "grpc"] {
            let collector = Collector::start().expect("a collector");
            let terminator = Terminator::start(&behind(&collector, protocol), &signed, None);
            let said = run(
                who,
                &[
                    ("OTEL_EXPORTER_OTLP_ENDPOINT", &terminator.endpoint()),
                    ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                    ("OTEL_EXPORTER_OTLP_CERTIFICATE", &authority.certificate()),
                    ("OTEL_LOGS_EXPORTER", "otlp"),
                ],
            );
            assert!(said.contains("end: Ok(())"), "{who}, {protocol}: {said}");
            assert_eq!(collector.spans().len(), 1, "{who}, {protocol}: {said}");
            assert_eq!(
                collector.log_records().len(),
                1,
                "{who}, {protocol}: {said}"
            );
        }
    }
}

#[test]
fn whom_the_system_trusts_is_trusted() {
    let authority = Authority::new();
    let signed = authority.sign("localhost");
    for protocol in ["http/protobuf", "grpc"] {
        let collector = Collector::start().expect("a collector");
        let terminator = Terminator::start(&behind(&collector, protocol), &signed, None);
        let said = run(
            "engine",
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &terminator.endpoint()),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("SSL_CERT_FILE", &authority.certificate()),
            ],
        );
        assert!(said.contains("end: Ok(())"), "{protocol}: {said}");
        assert_eq!(collector.spans().len(), 1, "{protocol}: {said}");
    }
}

#[test]
fn nobody_else_is_trusted() {
    let (authority, other) = (Authority::new(), Authority::new());
    let signed = authority.sign("localhost");
    for protocol in ["http/protobuf", "grpc"] {
        let collector = Collector::start().expect("a collector");
        let terminator = Terminator::start(&collector.http_endpoint(), &signed, None);
        let said = run(
            "engine",
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &terminator.endpoint()),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("OTEL_EXPORTER_OTLP_CERTIFICATE", &other.certificate()),
                ("OTEL_LOGS_EXPORTER", "otlp"),
            ],
        );
        assert!(
            said.contains("could not export 1 span to https://localhost"),
            "{said}"
        );
        assert!(
            said.contains("invalid peer certificate"),
            "{protocol}: {said}"
        );
        let of_lines = said.lines().find(|line| line.contains("1 log record"));
        let of_lines = of_lines.unwrap_or_else(|| panic!("{protocol}: {said}"));
        assert!(of_lines.contains("invalid peer certificate"), "{said}");
        assert_eq!(collector.spans().len(), 0);
    }
}

#[test]
fn who_sends_can_be_asked_for() {
    let authority = Authority::new();
    let (receiver, sender) = (authority.sign("localhost"), authority.sign("dispo"));
    for who in ["engine", "sdk"] {
        for protocol in ["http/protobuf", "grpc"] {
            let collector = Collector::start().expect("a collector");
            let terminator =
                Terminator::start(&behind(&collector, protocol), &receiver, Some(&authority));
            let (endpoint, trusted) = (terminator.endpoint(), authority.certificate());
            let (certificate, key) = (text(&sender.certificate), text(&sender.key));
            let mut variables = vec![
                ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("OTEL_EXPORTER_OTLP_CERTIFICATE", &trusted),
            ];
            let said = run(who, &variables);
            assert!(
                said.contains("could not export 1 span"),
                "{who}, {protocol}: {said}"
            );
            assert_eq!(collector.spans().len(), 0);
            variables.extend([
                (
                    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
                    &*certificate,
                ),
                ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", &*key),
            ]);
            let said = run(who, &variables);
            assert!(said.contains("end: Ok(())"), "{who}, {protocol}: {said}");
            assert_eq!(collector.spans().len(), 1);
        }
    }
}

#[test]
fn grpc_without_a_scheme_goes_over_tls_unless_it_is_said() {
    let authority = Authority::new();
    let signed = authority.sign("localhost");
    let collector = Collector::start().expect("a collector");
    let terminator = Terminator::start(&collector.grpc_endpoint(), &signed, None);
    let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let endpoint = format!("localhost:{}", terminator.port);
    let said = run(
        "engine",
        &[
            grpc,
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", &authority.certificate()),
        ],
    );
    assert!(said.contains("end: Ok(())"), "{said}");
    assert_eq!(collector.spans().len(), 1);

    let plain = collector.grpc_endpoint().replace("http://", "");
    for who in ["engine", "sdk"] {
        let said = run(
            who,
            &[
                grpc,
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &plain),
                ("OTEL_EXPORTER_OTLP_INSECURE", "true"),
            ],
        );
        assert!(said.contains("end: Ok(())"), "{said}");
    }
    assert_eq!(collector.spans().len(), 3);
}

#[test]
fn files_are_not_looked_at_without_tls() {
    let sink = Sink::start(|_| OK);
    let said = run(
        "engine",
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.endpoint),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere.pem"),
        ],
    );
    assert!(said.contains("end: Ok(())"), "{said}");
    assert_eq!(sink.received().len(), 1);
}

#[test]
fn a_file_that_is_of_no_use_is_named_at_the_start() {
    let authority = Authority::new();
    let signed = authority.sign("dispo");
    let (certificate, key) = (text(&signed.certificate), text(&signed.key));
    let nonsense = authority.file("nonsense.pem");
    fs::write(&nonsense, "nonsense").expect("a file");
    let nonsense = text(&nonsense);
    let of_authority = "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE";
    let of_sender = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
    let of_key = "OTEL_EXPORTER_OTLP_CLIENT_KEY";
    let cases: [(&[(&str, &str)], String); 6] = [
        (
            &[(of_authority, "/nowhere.pem")],
            format!("{of_authority} names `/nowhere.pem`, which cannot be read: No such file"),
        ),
        (
            &[(of_authority, &nonsense)],
            format!("{of_authority} names `{nonsense}`, which holds no certificate as PEM"),
        ),
        (
            &[(of_sender, &certificate)],
            format!("{of_sender} is set alone; a receiver that wants to know who sends takes both"),
        ),
        (&[(of_key, &key)], format!("{of_key} is set alone")),
        (
            &[(of_sender, &key), (of_key, &key)],
            format!("{of_sender} names `{key}`, which holds no certificate as PEM"),
        ),
        (
            &[(of_sender, &certificate), (of_key, &nonsense)],
            format!("{of_key} names `{nonsense}`, which holds no private key as PEM"),
        ),
    ];
    let nobody = run(
        "engine",
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://127.0.0.1:9")],
    );
    assert!(
        nobody.contains("init: the exporter of spans cannot be built: "),
        "{nobody}"
    );
    for protocol in ["http/protobuf", "grpc"] {
        for (files, expected) in &cases {
            let mut variables = vec![
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://127.0.0.1:9"),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("SSL_CERT_FILE", &certificate),
            ];
            variables.extend(*files);
            let said = run("engine", &variables);
            let expected = format!("init: the exporter of spans cannot be built: {expected}");
            assert!(said.contains(&expected), "{protocol}: `{expected}`: {said}");
        }
    }
}
