//! Rows as serde writes them.

use std::borrow::Cow;

use highwater_core::Error;
use serde::ser::{
    Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple,
    SerializeTupleStruct, Serializer,
};

use super::Refused;
use crate::cells::Cells;
use crate::value::ValueRef;

type Done = Result<(), Refused>;
type No = Impossible<(), Refused>;

/// A row: a struct, a map, a tuple, or the value of its only column.
pub(super) struct RowWriter<'a, 'c>(pub(super) &'a mut Cells<'c>);

/// The fields of a row, and the name of the one whose value comes next if it is a map.
pub(super) struct Fields<'a, 'c> {
    cells: &'a mut Cells<'c>,
    name: String,
}

impl<'a, 'c> RowWriter<'a, 'c> {
    fn fields(self) -> Result<Fields<'a, 'c>, Refused> {
        Ok(Fields { cells: self.0, name: String::new() })
    }

    fn only(self, value: &ValueRef<'_>) -> Done {
        Ok(self.0.push(value)?)
    }
}

impl Fields<'_, '_> {
    #[inline]
    fn put_at<T: Serialize + ?Sized>(&mut self, index: usize, value: &T) -> Done {
        value.serialize(CellWriter(|value: &ValueRef<'_>| Ok(self.cells.put_at(index, value)?)))
    }
}

/// The methods that both serializers have in common: plain values, and what no column can hold.
macro_rules! plain_values {
    ($put:ident) => {
        type Ok = ();
        type Error = Refused;
        type SerializeTupleVariant = No;
        type SerializeStructVariant = No;

        fn serialize_bool(self, value: bool) -> Done {
            self.$put(&ValueRef::Bool(value))
        }

        fn serialize_i8(self, value: i8) -> Done {
            self.serialize_i64(value.into())
        }

        fn serialize_i16(self, value: i16) -> Done {
            self.serialize_i64(value.into())
        }

        fn serialize_i32(self, value: i32) -> Done {
            self.serialize_i64(value.into())
        }

        fn serialize_i64(self, value: i64) -> Done {
            self.$put(&ValueRef::Integer(value))
        }

        fn serialize_u8(self, value: u8) -> Done {
            self.serialize_i64(value.into())
        }

        fn serialize_u16(self, value: u16) -> Done {
            self.serialize_i64(value.into())
        }

        fn serialize_u32(self, value: u32) -> Done {
            self.serialize_i64(value.into())
        }

        fn serialize_u64(self, value: u64) -> Done {
            let signed = i64::try_from(value);
            self.serialize_i64(signed.map_err(|_| too_large(&value))?)
        }

        fn serialize_i128(self, value: i128) -> Done {
            let signed = i64::try_from(value);
            self.serialize_i64(signed.map_err(|_| too_large(&value))?)
        }

        fn serialize_u128(self, value: u128) -> Done {
            let signed = i64::try_from(value);
            self.serialize_i64(signed.map_err(|_| too_large(&value))?)
        }

        fn serialize_f32(self, value: f32) -> Done {
            self.serialize_f64(value.into())
        }

        fn serialize_f64(self, value: f64) -> Done {
            self.$put(&ValueRef::Real(value))
        }

        fn serialize_char(self, value: char) -> Done {
            self.serialize_str(value.encode_utf8(&mut [0; 4]))
        }

        fn serialize_str(self, value: &str) -> Done {
            self.$put(&ValueRef::Text(value))
        }

        fn serialize_bytes(self, value: &[u8]) -> Done {
            self.$put(&ValueRef::Blob(Cow::Borrowed(value)))
        }

        fn serialize_none(self) -> Done {
            self.$put(&ValueRef::Null)
        }

        fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
            value.serialize(self)
        }

        fn serialize_unit(self) -> Done {
            self.$put(&ValueRef::Null)
        }

        fn serialize_unit_struct(self, _: &'static str) -> Done {
            self.$put(&ValueRef::Null)
        }

        fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
            self.serialize_str(variant)
        }

        fn serialize_newtype_struct<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            value: &T,
        ) -> Done {
            value.serialize(self)
        }

        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            _: u32,
            variant: &'static str,
            _: &T,
        ) -> Done {
            Err(nested(variant))
        }

        fn serialize_tuple_variant(
            self,
            _: &'static str,
            _: u32,
            variant: &'static str,
            _: usize,
        ) -> Result<No, Refused> {
            Err(nested(variant))
        }

        fn serialize_struct_variant(
            self,
            _: &'static str,
            _: u32,
            variant: &'static str,
            _: usize,
        ) -> Result<No, Refused> {
            Err(nested(variant))
        }
    };
}

impl<'a, 'c> Serializer for RowWriter<'a, 'c> {
    type SerializeSeq = Fields<'a, 'c>;
    type SerializeTuple = Fields<'a, 'c>;
    type SerializeTupleStruct = Fields<'a, 'c>;
    type SerializeMap = Fields<'a, 'c>;
    type SerializeStruct = Fields<'a, 'c>;

    plain_values!(only);

    fn serialize_seq(self, _: Option<usize>) -> Result<Fields<'a, 'c>, Refused> {
        self.fields()
    }

    fn serialize_tuple(self, _: usize) -> Result<Fields<'a, 'c>, Refused> {
        self.fields()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Fields<'a, 'c>, Refused> {
        self.fields()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields<'a, 'c>, Refused> {
        self.fields()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'a, 'c>, Refused> {
        self.fields()
    }
}

impl SerializeStruct for Fields<'_, '_> {
    type Ok = ();
    type Error = Refused;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Done {
        let index = self.cells.find_field(name)?;
        self.put_at(index, value)
    }

    fn end(self) -> Done {
        Ok(())
    }
}

impl SerializeMap for Fields<'_, '_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        self.name.clear();
        key.serialize(CellWriter(|key: &ValueRef<'_>| match key {
            ValueRef::Text(name) => {
                self.name.push_str(name);
                Ok(())
            }
            _ => Err(Refused(Error::corrupt("the name of a column is text"))),
        }))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        let index = self.cells.find(&self.name)?;
        self.put_at(index, value)
    }

    fn end(self) -> Done {
        Ok(())
    }
}

/// The three ways to say "in order".
macro_rules! in_order {
    ($($which:ident $method:ident),*) => {$(
        impl $which for Fields<'_, '_> {
            type Ok = ();
            type Error = Refused;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
                self.put_at(self.cells.next(), value)
            }

            fn end(self) -> Done {
                Ok(())
            }
        }
    )*};
}

in_order!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field
);

/// One value, and what takes it.
struct CellWriter<F>(F);

impl<F: FnMut(&ValueRef<'_>) -> Done> CellWriter<F> {
    #[inline]
    fn put(mut self, value: &ValueRef<'_>) -> Done {
        (self.0)(value)
    }
}

impl<F: FnMut(&ValueRef<'_>) -> Done> Serializer for CellWriter<F> {
    type SerializeSeq = Blob<F>;
    type SerializeTuple = Blob<F>;
    type SerializeTupleStruct = No;
    type SerializeMap = No;
    type SerializeStruct = No;

    plain_values!(put);

    fn serialize_seq(self, length: Option<usize>) -> Result<Blob<F>, Refused> {
        // The length is what somebody says: room is made for what comes.
        let room = length.unwrap_or_default().min(ROOM);
        Ok(Blob { bytes: Vec::with_capacity(room), cell: self })
    }

    fn serialize_tuple(self, length: usize) -> Result<Blob<F>, Refused> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<No, Refused> {
        Err(nested(name))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<No, Refused> {
        Err(nested("a map"))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<No, Refused> {
        Err(nested(name))
    }
}

/// A `Vec<u8>` or `[u8; n]`, which is a sequence of numbers to serde.
pub(super) struct Blob<F> {
    bytes: Vec<u8>,
    cell: CellWriter<F>,
}

impl<F: FnMut(&ValueRef<'_>) -> Done> Blob<F> {
    fn push<T: Serialize + ?Sized>(&mut self, element: &T) -> Done {
        let mut take = |value: &ValueRef<'_>| {
            let byte = match value {
                ValueRef::Integer(value) => u8::try_from(*value).ok(),
                _ => None,
            };
            self.bytes.push(byte.ok_or_else(|| nested("a sequence of anything but bytes"))?);
            Ok(())
        };
        // Behind a pointer: else a sequence of sequences would be a type without an end.
        element.serialize(CellWriter(&mut take as &mut dyn FnMut(&ValueRef<'_>) -> Done))
    }

    fn close(self) -> Done {
        self.cell.put(&ValueRef::Blob(Cow::Owned(self.bytes)))
    }
}

impl<F: FnMut(&ValueRef<'_>) -> Done> SerializeSeq for Blob<F> {
    type Ok = ();
    type Error = Refused;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, element: &T) -> Done {
        self.push(element)
    }

    fn end(self) -> Done {
        self.close()
    }
}

impl<F: FnMut(&ValueRef<'_>) -> Done> SerializeTuple for Blob<F> {
    type Ok = ();
    type Error = Refused;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, element: &T) -> Done {
        self.push(element)
    }

    fn end(self) -> Done {
        self.close()
    }
}

#[cold]
fn nested(what: &str) -> Refused {
    Refused(Error::corrupt(format!("{what} does not fit into one column: make it text or bytes")))
}

#[cold]
fn too_large(value: &dyn std::fmt::Display) -> Refused {
    Refused(Error::corrupt(format!("{value} is more than a column of integers holds (64 bits)")))
}

/// Bytes that are made room for before they come.
const ROOM: usize = 64 * 1024;
