//! `Array<T>`: a fixed number of elements in shared memory, changed one by one by anybody, or in pieces by whoever has a piece.
//!
//! - [`words`]: bytes from shared memory to one's own and back, while others may do the same
//! - [`control`]: the words in front of the elements, which steer their use
//! - [`core`]: an array as one process holds it; why nobody else uses what is in a piece
//! - [`element`]: reading and writing elements, all or nothing
//! - [`handle`]: [`Array`], what a user sees of that
//! - [`bulk`]: all elements, or many
//! - [`lending`]: who has which elements for itself
//! - [`chunk`]: [`Chunk`], a piece of an array; [`chunks`]: [`ChunksMut`], all of them, one after another
//! - [`travel`]: how arrays and pieces are sent
//! - [`attached`]: the arrays of this process; [`copies`]: what a copy of it lets go of

mod attached;
mod bulk;
mod chunk;
mod chunks;
mod control;
mod copies;
mod core;
mod element;
mod handle;
mod lending;
mod travel;
mod words;

pub use chunk::Chunk;
pub use chunks::ChunksMut;
pub(crate) use copies::let_go;
pub use handle::Array;
