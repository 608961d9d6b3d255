//! OTLP/gRPC.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{
    LogsService, LogsServiceServer,
};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
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
    let service = Arc::new(Service { store });
    let traces = TraceServiceServer::from_arc(Arc::clone(&service))
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(MESSAGE_BYTES);
    let logs = LogsServiceServer::from_arc(service)
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(MESSAGE_BYTES);
    // An error here is one of the listener; senders and waiting tests notice that nothing comes.
    let _ = Server::builder()
        .add_service(traces)
        .add_service(logs)
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
        let gzip = is_gzip(&request);
        let answer = (self.store).take_spans(request.into_inner(), Protocol::Grpc, gzip);
        Ok(Response::new(answer))
    }
}

#[tonic::async_trait]
impl LogsService for Service {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let gzip = is_gzip(&request);
        let answer = (self.store).take_logs(request.into_inner(), Protocol::Grpc, gzip);
        Ok(Response::new(answer))
    }
}

fn is_gzip<T>(request: &Request<T>) -> bool {
    let encoding = request.metadata().get("grpc-encoding");
    encoding.is_some_and(|encoding| encoding.as_bytes() == b"gzip")
}
