//! The attributes of offspring: entry points only.

mod ast;
mod attr;
mod check;
mod errors;
mod expand;
mod path;
mod stages;
mod units;

use proc_macro::TokenStream;

use check::function::Kind;

/// Makes a function startable in a process of its own.
#[proc_macro_attribute]
pub fn process(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stages::process(Kind::Process, arguments.into(), item.into()).into()
}

/// Like `#[process]`, for what runs beside its parent and never outlives it.
#[proc_macro_attribute]
pub fn daemon(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stages::process(Kind::Daemon, arguments.into(), item.into()).into()
}

/// Makes a struct or enum an argument or result of processes.
#[proc_macro_attribute]
pub fn message(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stages::message(arguments.into(), item.into()).into()
}

/// Runs a function once in the fork server.
#[proc_macro_attribute]
pub fn preload(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stages::preload(arguments.into(), item.into()).into()
}

/// Lets a type, a variable or methods live in shared memory.
#[proc_macro_attribute]
pub fn shared(arguments: TokenStream, item: TokenStream) -> TokenStream {
    stages::shared(arguments.into(), item.into()).into()
}
