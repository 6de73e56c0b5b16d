//! The page in a real browser: chromium without a window, through chromedriver.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::server::Server;
use super::{request, until};
use crate::support::services::{absent, program};

/// A browser with one page, spoken to by the WebDriver protocol. It ends when this is dropped.
struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
}

impl Browser {
    /// None where there is no browser.
    fn start() -> Option<Self> {
        if program("chromium", Vec::<PathBuf>::new()).is_none() {
            return absent("chromium", "not on the PATH");
        }
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
        let Ok(mut driver) = command.spawn() else {
            return absent("chromium", "chromedriver is not on the PATH");
        };
        let said = BufReader::new(driver.stdout.take()?).lines().map_while(Result::ok);
        let mut ports = said.filter_map(|line| {
            line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok()
        });
        let port: u16 = ports.next().expect("chromedriver says where it is");
        let mut browser =
            Self { driver, address: ([127, 0, 0, 1], port).into(), session: String::new() };
        // As root there is no sandbox, and in a container there may be little shared memory.
        let arguments =
            ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"];
        let options = json!({ "args": arguments });
        let always =
            json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        let session = browser.call("", json!({ "capabilities": { "alwaysMatch": always } }));
        browser.session = format!("/{}", session["sessionId"].as_str().unwrap());
        Some(browser)
    }

    fn call(&self, path: &str, body: Value) -> Value {
        let path = format!("/session{}{path}", self.session);
        let answer = request(self.address, "POST", &path, &body.to_string());
        serde_json::from_str::<Value>(&answer).unwrap()["value"].take()
    }

    /// What an expression is in the page.
    fn look(&self, expression: &str) -> Value {
        let script = format!("return {expression}");
        self.call("/execute/sync", json!({ "script": script, "args": [] }))
    }

    /// The text of an element.
    fn text(&self, selector: &str) -> String {
        let text = self.look(&format!("document.querySelector({selector:?})?.textContent ?? ''"));
        text.as_str().unwrap().to_owned()
    }

    /// Waits until an element has such a text.
    fn wait(&self, selector: &str, has: impl Fn(&str) -> bool) {
        until(|| has(&self.text(selector)), || format!("{selector}: {:?}", self.text(selector)));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let path = format!("/session{}", self.session);
        // Ends the browser, which is no child of this process. After a failed test it may not answer.
        drop(std::panic::catch_unwind(|| request(self.address, "DELETE", &path, "")));
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

/// Counts move, the plot is drawn, an alert appears and goes, log text stays text, and the browser has no complaint.
/// Shows F84.
#[test]
fn the_page_shows_what_goes_on() {
    let Some(browser) = Browser::start() else { return };
    let server = Server::start(&["--window", "3", "--alert-errors", "10"]);
    browser.call("/url", json!({ "url": format!("http://{}/", server.page) }));
    browser.wait("#state", |text| text == "live");
    assert_eq!(browser.text("#stored"), "0");

    let mut client = server.connect();
    client.send("[1] INFO: good\n".repeat(1000));
    client.acknowledged(1000);
    browser.wait("#stored", |text| text == "1,000");
    browser.wait("#levels", |text| text.contains("INFO1,000"));
    browser.wait("#sources", |text| text == "127.0.0.11,000");
    assert_eq!(browser.text("#connections"), "1");
    let drawn = "[...document.getElementById('plot').getContext('2d')\
         .getImageData(0, 40, 10000, 60).data].some((part) => part > 0)";
    until(|| browser.look(drawn) == true, || "nothing is plotted".to_owned());
    assert_eq!(browser.text("#alerts"), "");

    client.send("[1] ERROR: <img src=x onerror=alert(1)> \x1b[31mred\n".repeat(20));
    client.acknowledged(1020);
    browser
        .wait("#alerts li[data-what=errors]", |text| text == "20 errors in 3 s, the limit is 10");
    browser.wait("#errors", |text| text.contains(r"<img src=x onerror=alert(1)> \u{1b}[31mred"));
    assert_eq!(browser.look("document.querySelectorAll('#errors img').length"), 0);
    browser.wait("#stored", |text| text == "1,020");
    browser.wait("#alerts", str::is_empty);
    browser.wait("#rate", |text| text == "0");
    assert!(browser.text("#stages").contains("parse"));
    assert!(browser.text("#bottleneck").contains("the source merge"));
    assert_eq!(browser.call("/se/log", json!({ "type": "browser" })), json!([]));

    // The server goes, and the page says so.
    drop(client);
    server.stop();
    browser.wait("#state", |text| text == "no connection");
}
