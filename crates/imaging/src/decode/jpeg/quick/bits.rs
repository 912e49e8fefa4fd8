//! The entropy-coded bits of a scan: unstuffed in large pieces, read through a 64-bit register.

use std::io::{self, Read};

use memchr::memchr;

/// How much is read at once.
const PIECE: usize = 64 << 10;
/// More than any MCU takes: 10 blocks of 64 coefficients of 26 bits.
const MOST_MCU_BYTES: usize = 4 << 10;
/// Zeros behind the last byte, so that reading ahead stays in bounds; having used them is an error.
const PADDING: usize = 2 * MOST_MCU_BYTES;

/// Reads bits from `ff`-stuffed bytes up to the next marker.
pub(super) struct BitSource<R> {
    input: R,
    raw: Vec<u8>,
    raw_at: usize,
    /// Unstuffed, from `bits.at` on not yet in the register.
    buffer: Vec<u8>,
    /// The marker that ended the bytes, and how many of `buffer` are real.
    end: Option<(u8, usize)>,
    at: usize,
    register: u64,
    count: u32,
}

/// The register and the bytes that feed it.
pub(super) struct Bits<'a> {
    buffer: &'a [u8],
    at: usize,
    register: u64,
    count: u32,
}

impl Bits<'_> {
    /// These, and no more.
    pub(super) fn of(register: u64) -> Self {
        Self { buffer: &[], at: 0, register, count: u64::BITS }
    }

    /// At least 56 bits are in the register afterwards.
    #[inline]
    pub(super) fn refill(&mut self) {
        if let Some(next) = self.buffer.get(self.at..).and_then(<[u8]>::first_chunk::<8>) {
            self.register |= u64::from_be_bytes(*next) >> self.count;
            self.at += (63 - self.count as usize) >> 3;
            self.count |= 0b11_1000;
        }
    }

    /// The next `count` (1 to 32) bits.
    #[inline]
    pub(super) fn peek(&self, count: u32) -> u32 {
        (self.register >> (64 - count)) as u32
    }

    #[inline]
    pub(super) fn consume(&mut self, count: u32) {
        self.register <<= count;
        self.count = self.count.wrapping_sub(count);
    }

    /// A value of `size` (0 to 15) bits as T.81 codes it (F.2.2.1, EXTEND).
    #[inline]
    pub(super) fn value(&mut self, size: u32) -> i32 {
        if size == 0 {
            return 0;
        }
        let raw = self.peek(size) as i32;
        self.consume(size);
        if raw < 1 << (size - 1) { raw - (1 << size) + 1 } else { raw }
    }
}

impl<R: Read> BitSource<R> {
    /// `input` stands behind a scan header.
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            raw: Vec::with_capacity(PIECE),
            raw_at: 0,
            buffer: Vec::with_capacity(PIECE + 2 * PADDING),
            end: None,
            at: 0,
            register: 0,
            count: 0,
        }
    }

    /// Bits for at least one MCU.
    #[inline]
    pub(super) fn mcu<T>(&mut self, read: impl FnOnce(&mut Bits) -> Option<T>) -> io::Result<Option<T>> {
        if self.buffer.len() - self.at < MOST_MCU_BYTES && self.end.is_none() {
            self.feed()?;
        }
        let mut bits = Bits { buffer: &self.buffer, at: self.at, register: self.register, count: self.count };
        let value = read(&mut bits);
        (self.at, self.register, self.count) = (bits.at, bits.register, bits.count);
        Ok(value)
    }

    /// Whether more bits were used than there were.
    pub(super) fn overran(&self) -> bool {
        // Once the padding is used up, `count` says nothing any more.
        let past_padding = self.buffer.len() - self.at < size_of::<u64>();
        self.end.is_some_and(|(_, real)| past_padding || self.at * 8 > real * 8 + self.count as usize)
    }

    /// Passes the restart marker `number` (0 to 7); `false` if another one comes, or bits are left before it.
    pub(super) fn restart(&mut self, number: u8) -> io::Result<bool> {
        if self.end.is_none() {
            self.feed()?;
        }
        if self.overran() {
            return Ok(false);
        }
        let left = |end: usize| (end * 8 + self.count as usize).checked_sub(self.at * 8);
        let Some((marker, real)) = self.end else { return Ok(false) };
        if marker != 0xd0 + number || left(real).is_none_or(|bits| bits > 7) {
            return Ok(false);
        }
        self.buffer.clear();
        (self.at, self.register, self.count, self.end) = (0, 0, 0, None);
        self.feed()?;
        Ok(true)
    }

    /// Unstuffs until there is much more than an MCU, or a marker.
    fn feed(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.at);
        self.at = 0;
        while self.buffer.len() < PIECE / 2 {
            if self.raw_at + 1 >= self.raw.len() && !self.read_piece()? {
                self.finish(0);
                return Ok(());
            }
            let raw = &self.raw[self.raw_at..];
            // The last byte of a piece waits for the next one: it may be the first half of a marker.
            let Some(found) = memchr(0xff, &raw[..raw.len() - 1]) else {
                self.buffer.extend_from_slice(&raw[..raw.len() - 1]);
                self.raw_at = self.raw.len() - 1;
                continue;
            };
            let next = raw[found + 1];
            if next == 0 {
                self.buffer.extend_from_slice(&raw[..=found]);
                self.raw_at += found + 2;
            } else {
                self.buffer.extend_from_slice(&raw[..found]);
                self.raw_at += if next == 0xff { found + 1 } else { found + 2 };
                if next != 0xff {
                    self.finish(next);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, marker: u8) {
        self.end = Some((marker, self.buffer.len()));
        self.buffer.resize(self.buffer.len() + PADDING, 0);
    }

    /// Keeps what is left of `raw` and reads more; `false` at the end of the file.
    fn read_piece(&mut self) -> io::Result<bool> {
        self.raw.drain(..self.raw_at);
        self.raw_at = 0;
        let read = self.input.by_ref().take(PIECE as u64).read_to_end(&mut self.raw)?;
        Ok(read > 0 && self.raw.len() > 1)
    }
}
