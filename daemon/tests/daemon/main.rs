//! The daemon as its operator meets it: real processes, real keys, a real control socket.

mod commands;
mod documents;
mod lifecycle;
mod requests;
mod site;
