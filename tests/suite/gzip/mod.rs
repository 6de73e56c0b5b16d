//! Gzip in pipelines, and beside the other programs that speak it.

mod interop;
mod oracle;
mod pipelines;

/// Text with repetitions, always the same: lines that are numbered and have a word that looks random.
fn text(bytes: usize) -> Vec<u8> {
    const WORDS: [&str; 7] = ["cache", "miss", "retry", "user", "session", "queue", "expired"];
    let mut text = Vec::with_capacity(bytes + 64);
    let mut seed = 88_172_645_463_325_252_u64;
    for number in 0.. {
        if text.len() >= bytes {
            break;
        }
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let word = WORDS[usize::from(seed.to_le_bytes()[2]) % WORDS.len()];
        text.extend_from_slice(format!("{number} {word} took {} ms\n", seed % 1000).as_bytes());
    }
    text.truncate(bytes);
    text
}

/// Bytes that cannot be compressed, always the same.
fn noise(bytes: usize) -> Vec<u8> {
    let mut seed = 88_172_645_463_325_252_u64;
    let mut noise = Vec::with_capacity(bytes);
    while noise.len() < bytes {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        noise.push(seed.to_le_bytes()[3]);
    }
    noise
}
