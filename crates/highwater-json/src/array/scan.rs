//! Where an element ends.

use memchr::memchr3;

/// Follows strings and brackets through one element, chunk by chunk, to what stands behind it.
///
/// It is no parser: it does not look whether brackets match or whether texts make sense. It keeps a count of open
/// brackets and no stack, so that their number costs nothing.
#[derive(Debug, Default)]
pub(super) struct Scan {
    depth: usize,
    within: Within,
    /// Newlines that were seen.
    pub(super) newlines: u64,
}

#[derive(Debug, Default)]
enum Within {
    /// Outside of strings.
    #[default]
    Text,
    String,
    /// Behind a backslash in a string.
    Escape,
}

impl Scan {
    /// The index of the comma or the bracket that ends the element; `None` if it is not among these bytes. The next
    /// bytes must follow them.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            match self.within {
                Within::Text => {
                    let Some(found) = bytes[at..].iter().position(|&b| SPECIAL[usize::from(b)])
                    else {
                        break;
                    };
                    at += found;
                    if self.special(bytes[at]) {
                        return Some(at);
                    }
                    at += 1;
                }
                Within::String => {
                    let Some(found) = memchr3(b'"', b'\\', b'\n', &bytes[at..]) else { break };
                    at += found + 1;
                    match bytes[at - 1] {
                        b'"' => self.within = Within::Text,
                        b'\\' => self.within = Within::Escape,
                        _ => self.newlines += 1,
                    }
                }
                Within::Escape => {
                    self.newlines += u64::from(bytes[at] == b'\n');
                    self.within = Within::String;
                    at += 1;
                }
            }
        }
        None
    }

    /// A byte outside of strings that means something. True when it ends the element.
    fn special(&mut self, byte: u8) -> bool {
        match byte {
            b'"' => self.within = Within::String,
            b'\n' => self.newlines += 1,
            b'[' | b'{' => self.depth += 1,
            b',' | b']' if self.depth == 0 => return true,
            b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        false
    }
}

/// The bytes that mean something outside of strings.
const SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let (bytes, mut index) = (b"\"[]{},\n", 0);
    while index < bytes.len() {
        table[bytes[index] as usize] = true;
        index += 1;
    }
    table
};
