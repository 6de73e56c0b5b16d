//! The machines pass the suite that every machine passes: I27, I33, I38, I53, I56, F36.

use bytes::Bytes;
use highwater_core::record::OnFailure;
use highwater_core::{Error, Result, Transform};
use highwater_test::{Case, conformance, conformance_bytes};

use crate::{Csv, Format, ToCsv};

#[test]
fn csv() {
    conformance_bytes(
        Csv::<(String, u8)>::new,
        [
            Case::bytes(""),
            Case::bytes("a,b\r\n"),
            Case::bytes("\u{feff}a,b\n\n\"x\ny\",1\r\nz,2").gives([("x\ny", 1), ("z", 2)].map(own)),
            Case::bytes("a,b\nx,1\ny,z\nz,2\n").gives([own(("x", 1))]).fails(Error::is_corrupt),
            Case::bytes("a,b\nx,1\n\"y,2\n").gives([own(("x", 1))]).fails(Error::is_truncated),
        ],
    );
}

fn own((text, number): (&str, u8)) -> (String, u8) {
    (text.to_owned(), number)
}

#[test]
fn csv_that_goes_on() {
    conformance_bytes(
        || {
            let machine = Csv::<(u8, u8)>::with_format(Format::new().no_header());
            machine.with_max_length(8).with_max_fields(3).on_failure(OnFailure::Skip)
        },
        [
            Case::bytes("1,2\n3\n\"4\n\",5,\"6789\"\n1,2,3,4\n6,7").gives([(1, 2), (6, 7)]),
            Case::bytes(b"\xEF\xBB\n1,2\n3,\"4").gives([(1, 2)]).fails(Error::is_truncated),
        ],
    );
}

#[test]
fn csv_with_limits() {
    let case = |row: &str| Case::bytes(format!("1,2\n{row}\n3,4\n")).gives([(1, 2)]);
    conformance_bytes(
        || {
            let machine = Csv::<(u8, u8)>::with_format(Format::new().no_header());
            machine.with_max_length(8).with_max_fields(3)
        },
        [case("\"345\n6789\",1").fails(Error::is_limit), case("1,2,3,4").fails(Error::is_limit)],
    );
}

/// What is gathered is released.
#[test]
fn to_csv() {
    let rows = |taken: usize, given: &[Bytes]| given.concat() == b"1,a\n2,b\n"[..4 * taken];
    conformance(
        || Patient(ToCsv::new()),
        [Case::new([]), Case::new([(1, "a"), (2, "b")]).gives(["1,a\n2,b\n"]).releases_where(rows)],
    );
}

/// A machine that does not mind whether its source is idle: the suite wants the same however the source waits.
struct Patient<M>(M);

impl<M: Transform> Transform for Patient<M> {
    type Input = M::Input;
    type Output = M::Output;

    fn write(&mut self, chunk: M::Input) -> Result<Option<M::Output>> {
        self.0.write(chunk)
    }

    fn read(&mut self) -> Result<Option<M::Output>> {
        self.0.read()
    }

    fn end(&mut self) -> Result<()> {
        self.0.end()
    }

    fn release(&mut self) -> Result<()> {
        self.0.release()
    }
}
