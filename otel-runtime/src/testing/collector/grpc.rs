//! OTLP/gRPC.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpListener;
use tonic::codec::CompressionEncoding;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::MESSAGE_BYTES;
use super::store::{Protocol, Store};

/// Serves until its runtime ends.
pub(super) async fn serve(listener: TcpListener, store: Arc<Store>) {
    let service = TraceServiceServer::new(Service { store })
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(MESSAGE_BYTES);
    // An error here is one of the listener; senders and waiting tests notice that nothing comes.
    let _ = Server::builder()
        .add_service(service)
        .serve_with_incoming(TcpIncoming::from(listener))
        .await;
}

struct Service {
    store: Arc<Store>,
}

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let encoding = request.metadata().get("grpc-encoding");
        let gzip = encoding.is_some_and(|encoding| encoding.as_bytes() == b"gzip");
        Ok(Response::new(self.store.take(
            request.into_inner(),
            Protocol::Grpc,
            gzip,
        )))
    }
}
