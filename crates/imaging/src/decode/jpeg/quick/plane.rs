//! One component: its blocks, as far as they are shown.

use super::{
    Upsampling,
    bits::Bits,
    huffman::{END_OF_BLOCK, Huffman},
    tables::{Component, Tables},
    transform::{self, Block, Draw},
};

/// Points of a block on each side at most.
pub(super) const MOST_POINTS: usize = 4;

/// Position of each coefficient in the order of the file: (column, row). Those behind these are never shown.
const ZIGZAG: [(usize, usize); 25] = [
    (0, 0),
    (1, 0),
    (0, 1),
    (0, 2),
    (1, 1),
    (2, 0),
    (3, 0),
    (2, 1),
    (1, 2),
    (0, 3),
    (0, 4),
    (1, 3),
    (2, 2),
    (3, 1),
    (4, 0),
    (5, 0),
    (4, 1),
    (3, 2),
    (2, 3),
    (1, 4),
    (0, 5),
    (0, 6),
    (1, 5),
    (2, 4),
    (3, 3),
];

/// One component's samples of a row of MCUs.
pub(super) struct Plane {
    /// Points of a block: columns and rows.
    points: (usize, usize),
    /// How often each point is repeated at the size of the output: in a row, and as rows.
    repeat: (usize, usize),
    /// Coefficients of a block to look at.
    coefficients: u32,
    /// Where each of them goes in a [`Block`].
    slots: [u8; 64],
    draw: Draw,
    stride: usize,
    samples: Vec<u8>,
    /// A row with its points repeated.
    spread: Vec<u8>,
    dc: i32,
}

impl Plane {
    /// `None` for samplings whose blocks would have more than four points or a fraction of one.
    pub(super) fn new(
        component: &Component,
        eighths: u32,
        upsampling: Upsampling,
        most: (u32, u32),
        mcus: u32,
    ) -> Option<Self> {
        // A component of less resolution has more points a block, or the same ones repeated.
        let side = |most: u32, own: u32| {
            let (eighths, times) = (eighths as usize, (most / own) as usize);
            let fits = eighths * times <= MOST_POINTS;
            let (points, repeat) = if fits { (eighths * times, 1) } else { (eighths, times) };
            let shows = fits || upsampling == Upsampling::Repeat;
            (most.is_multiple_of(own) && shows && points <= MOST_POINTS).then_some((points, repeat))
        };
        let (across, down) = (side(most.0, component.across)?, side(most.1, component.down)?);
        let (points, repeat) = ((across.0, down.0), (across.1, down.1));
        let shown = |&(column, row): &(usize, usize)| column < points.0 && row < points.1;
        let mut slots = [transform::UNSHOWN; 64];
        for (slot, at) in slots.iter_mut().zip(&ZIGZAG).filter(|(_, at)| shown(at)) {
            *slot = (at.1 * MOST_POINTS + at.0) as u8;
        }
        let stride = (mcus * component.across) as usize * points.0;
        Some(Self {
            points,
            repeat,
            coefficients: ZIGZAG.iter().rposition(shown)? as u32 + 1,
            slots,
            draw: transform::of(points)?,
            stride,
            samples: vec![0; stride * component.down as usize * points.1],
            spread: vec![0; if repeat.0 == 1 { 0 } else { stride * repeat.0 }],
            dc: 0,
        })
    }

    /// Forgets what the next block would be a difference to.
    pub(super) fn restart(&mut self) {
        self.dc = 0;
    }

    /// Rows of output of a row of MCUs.
    pub(super) fn rows(&self) -> u32 {
        (self.samples.len() / self.stride * self.repeat.1) as u32
    }

    /// The first `width` samples of a row of output.
    pub(super) fn row(&mut self, y: usize, width: usize) -> &[u8] {
        let row = &self.samples[y / self.repeat.1 * self.stride..][..self.stride];
        if self.repeat.0 == 1 {
            return &row[..width];
        }
        // Samplings are 1 or 2.
        for (pair, sample) in self.spread.chunks_exact_mut(2).zip(row) {
            pair.fill(*sample);
        }
        &self.spread[..width]
    }

    /// The component's blocks of one MCU.
    #[inline]
    pub(super) fn decode(
        &mut self,
        bits: &mut Bits,
        tables: &Tables,
        component: &Component,
        mcu: usize,
    ) -> Option<()> {
        let (dc, ac) = (tables.dc(component)?, tables.ac(component)?);
        for down in 0..component.down as usize {
            for across in 0..component.across as usize {
                let column = (mcu * component.across as usize + across) * self.points.0;
                let at = down * self.points.1 * self.stride + column;
                self.decode_block(bits, (dc, ac), &component.quantisation, at)?;
            }
        }
        Some(())
    }

    #[inline]
    fn decode_block(
        &mut self,
        bits: &mut Bits,
        (dc, ac): (&Huffman, &Huffman),
        steps: &[f32; 64],
        at: usize,
    ) -> Option<()> {
        bits.refill();
        let size = u32::from(dc.symbol(bits)?);
        if size > 11 {
            return None;
        }
        self.dc += bits.value(size);
        // Sums of damaged data could grow without an end; what 8-bit samples give stays far below.
        if self.dc.abs() > 1 << 15 {
            return None;
        }
        let mut block = Block::of(self.dc as f32 * steps[0]);
        let mut next = 1;
        while next < self.coefficients {
            bits.refill();
            let coefficient = ac.coefficient(bits)?;
            if coefficient.zeros == END_OF_BLOCK {
                next = 64;
                break;
            }
            next += u32::from(coefficient.zeros);
            let index = next as usize;
            block.put(*self.slots.get(index)?, f32::from(coefficient.value) * steps[index]);
            next += 1;
        }
        ac.skip_block(bits, next)?;
        (self.draw)(&block, &mut self.samples[at..], self.stride);
        Some(())
    }
}
