//! What a pipeline lets be seen: stalls, spans and events, figures, and the most it holds.

mod explained;
mod figures;
mod stalls;
mod traced;
