//! The operators of `Readable`: against the same on iterators, their ends, and their names.

mod collect;
mod ends;
mod oracle;
mod shadows;
