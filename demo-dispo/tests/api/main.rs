//! The web service and the worker as their users see them: over HTTP, over the queue, and by their spans.

mod bookings;
mod broker;
mod callers;
mod database;
mod health;
mod helpers;
mod outbox;
mod postgres;
mod rooms;
mod routes;
mod start;
mod task_trees;
mod trees;
mod whole_tree;
mod worker;
