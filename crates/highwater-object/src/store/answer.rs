//! The text of an answer that says what is wrong.

use std::borrow::Cow;

use reqwest::StatusCode;

/// What the body of an error says, on one line and without control characters.
///
/// Of the XML of S3 and Azure these are its code and its message; the rest, with keys, signatures and ids of requests, is
/// left out (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>). Other markup, such as the page of a
/// proxy, loses its tags. Anything else stays as it is.
pub(super) fn readable(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let said = match (element(&text, "Code"), element(&text, "Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(only), None) | (None, Some(only)) => only.into_owned(),
        (None, None) if text.trim_start().starts_with('<') => without_tags(&text),
        (None, None) => text.into_owned(),
    };
    let plain: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The status that an answer with a good one should have, if it is the XML of an error: that of the end of a multipart
/// upload is sent before its outcome is known. An error that passes keeps its status: the store tries again by its text.
pub(super) fn error_status(body: &[u8]) -> Option<StatusCode> {
    let text = std::str::from_utf8(body).ok()?.trim_start();
    let root = match text.strip_prefix("<?xml") {
        Some(rest) => rest.split_once("?>")?.1.trim_start(),
        None => text,
    };
    if !root.starts_with("<Error>") && !root.starts_with("<Error ") {
        return None;
    }
    let passes = ["InternalError", "SlowDown"].contains(&&*element(root, "Code")?);
    Some(if passes { StatusCode::OK } else { StatusCode::BAD_REQUEST })
}

/// The text of the first element of this name.
fn element<'a>(xml: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let text = xml.split_once(&open)?.1.split_once(&close)?.0.trim();
    (!text.is_empty()).then(|| unescaped(text))
}

fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'")];
    let text = entities.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    // The last, so that what it makes is not taken for another entity.
    Cow::Owned(text.replace("&amp;", "&"))
}

fn without_tags(text: &str) -> String {
    let mut plain = String::new();
    for part in text.split('<') {
        plain.push(' ');
        plain.push_str(part.split_once('>').map_or(part, |(_, behind)| behind));
    }
    unescaped(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_s3_is_its_code_and_its_message() {
        let xml = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>SignatureDoesNotMatch</Code>\
            <Message>The request signature\nwe calculated &amp;lt; is &apos;other&apos;</Message>\
            <AWSAccessKeyId>AKIA</AWSAccessKeyId><StringToSign>secret</StringToSign></Error>";
        let said = "SignatureDoesNotMatch: The request signature we calculated &lt; is 'other'";
        assert_eq!(readable(xml), said);
        assert_eq!(readable(b"<Error><Code>NoSuchKey</Code><Message/></Error>"), "NoSuchKey");
    }

    #[test]
    fn other_answers_are_shown_without_markup() {
        let page =
            b"<html><head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body></html>";
        assert_eq!(readable(page), "502 Bad Gateway nginx");
        assert_eq!(readable(b"{\"error\": \"a < b\"}\n"), "{\"error\": \"a < b\"}");
        assert_eq!(readable(b"\x1b[2Jgone\xff"), "[2Jgone\u{fffd}");
        assert_eq!(readable(b""), "");
    }

    #[test]
    fn an_error_with_a_good_status_is_recognised() {
        let passing = b"<?xml version=\"1.0\"?>\n\n<Error><Code>InternalError</Code></Error>";
        assert_eq!(error_status(passing), Some(StatusCode::OK));
        let lasting = b"  <Error xmlns=\"x\"><Code>AccessDenied</Code></Error>";
        assert_eq!(error_status(lasting), Some(StatusCode::BAD_REQUEST));
        let good =
            b"<?xml version=\"1.0\"?><CompleteMultipartUploadResult><Code>AccessDenied</Code>";
        assert_eq!(error_status(good), None);
        assert_eq!((error_status(b"<Errors>"), error_status(b"")), (None, None));
    }
}
