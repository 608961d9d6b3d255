//! The web service and the worker as their users see them: over HTTP, over the queue, and by their spans.

mod broker;
mod cleanings;
mod database;
mod health;
mod helpers;
mod postgres;
mod routes;
mod start;
mod task_trees;
mod trees;
mod whole_tree;
mod worker;
