//! Every machine, source and destination of the workspace passes the suite that users' own ones can pass, those of the
//! transform crates beside their code.

mod destinations;
mod machines;
mod sources;
