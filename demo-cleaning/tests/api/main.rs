//! The web service and the worker as their users see them: over HTTP, over the queue, and by their spans.

mod cleanings;
mod database;
mod health;
mod helpers;
mod postgres;
mod routes;
mod start;
mod worker;
