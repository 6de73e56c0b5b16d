//! The lines of `sha256sum`.

use std::path::Path;

use highwater::hash::Digest;

/// The line of a file. A name with a newline, a carriage return or a backslash is escaped, and the line begins with a
/// backslash then.
pub fn sum_line(digest: &Digest, file: &Path) -> Vec<u8> {
    let name = file.as_os_str().as_encoded_bytes();
    let escape = name.iter().any(|byte| b"\\\n\r".contains(byte));
    let name = if escape { escaped_name(name) } else { name.to_vec() };
    let mark: &[u8] = if escape { b"\\" } else { b"" };
    [mark, digest.to_hex().as_bytes(), b"  ", &name, b"\n"].concat()
}

/// A name in such a line.
pub fn escaped_name(name: &[u8]) -> Vec<u8> {
    let each = |byte: &u8| match byte {
        b'\\' => b"\\\\".to_vec(),
        b'\n' => b"\\n".to_vec(),
        b'\r' => b"\\r".to_vec(),
        byte => vec![*byte],
    };
    name.iter().flat_map(each).collect()
}
