/// One checksummed piece of a segment.
///
///      0  length of the payload    4  CRC-32C of segment number, header from byte 8, payload
///      8  sequence                16  sequence known to be durable when this was written
///     24  kind                    25  marks        26…31  zero
///     32  payload, then zeros up to a multiple of eight                      (all little-endian)
///
/// The segment's number is part of the checksum but not of the bytes, so that a frame is never taken
/// for one of another segment. The durable sequence tells a torn tail from damage: what was written
/// behind an entry in the same flush says that the entry was not yet confirmed (``SegmentScan``).
package struct JournalFrame: Hashable, Sendable {
  package enum Kind: UInt8, Sendable {
    case batch = 1
    /// A part of the state as of `sequence`.
    case checkpointPiece = 2
    /// All parts of the checkpoint are there.
    case checkpointEnd = 3
  }

  package let kind: Kind
  package let marks: JournalMarks
  package let sequence: UInt64
  package let durableThrough: UInt64
  package let payload: [UInt8]

  package static let headerBytes = 32
  /// Above every batch and every piece of a checkpoint; a longer length is damage.
  package static let maximumPayloadBytes = 8 << 20

  package init(
    _ kind: Kind, marks: JournalMarks = [], sequence: UInt64, durableThrough: UInt64,
    payload: [UInt8]
  ) {
    (self.kind, self.marks, self.payload) = (kind, marks, payload)
    (self.sequence, self.durableThrough) = (sequence, durableThrough)
  }

  /// The bytes a payload of this length takes in a segment.
  package static func sizeBytes(payloadBytes: Int) -> Int {
    (headerBytes + payloadBytes + 7) & ~7
  }

  package func append(to bytes: inout [UInt8], segment: UInt64) {
    let start = bytes.count
    bytes.appendLittleEndian(UInt32(payload.count))
    bytes.appendLittleEndian(UInt32(0))
    bytes.appendLittleEndian(sequence)
    bytes.appendLittleEndian(durableThrough)
    bytes.appendLittleEndian(UInt64(kind.rawValue) | UInt64(marks.rawValue) << 8)
    bytes.append(contentsOf: payload)
    let crc = bytes.withUnsafeBytes { all in
      JournalFrame.checksum(UnsafeRawBufferPointer(rebasing: all[(start + 8)...]), segment: segment)
    }
    bytes.withUnsafeMutableBytes { all in
      all.storeBytes(of: crc.littleEndian, toByteOffset: start + 4, as: UInt32.self)
    }
    let padding = JournalFrame.sizeBytes(payloadBytes: payload.count) - (bytes.count - start)
    for _ in 0..<padding { bytes.append(0) }
  }

  /// Reads the frame at `offset`; nil when what stands there is not a whole, intact frame.
  package init?(at offset: Int, of bytes: UnsafeRawBufferPointer, segment: UInt64) {
    guard let place = Place(at: offset, of: bytes, segment: segment) else { return nil }
    self.init(place, of: bytes)
  }

  /// A whole, intact frame among the bytes of a segment, before its payload is copied.
  struct Place {
    let kind: Kind
    let marks: JournalMarks
    let sequence: UInt64
    fileprivate let offset: Int
    fileprivate let payload: Range<Int>

    var sizeBytes: Int { JournalFrame.sizeBytes(payloadBytes: payload.count) }

    init?(at offset: Int, of bytes: UnsafeRawBufferPointer, segment: UInt64) {
      guard bytes.count - offset >= JournalFrame.headerBytes,
        let kind = Kind(rawValue: bytes[offset + 24])
      else { return nil }
      let count = Int(bytes.littleEndian(UInt32.self, at: offset))
      guard count <= JournalFrame.maximumPayloadBytes,
        bytes.count - offset - JournalFrame.headerBytes >= count
      else { return nil }
      let end = offset + JournalFrame.headerBytes + count
      let checked = UnsafeRawBufferPointer(rebasing: bytes[(offset + 8)..<end])
      guard
        bytes.littleEndian(UInt32.self, at: offset + 4)
          == JournalFrame.checksum(checked, segment: segment)
      else { return nil }
      (self.kind, self.offset) = (kind, offset)
      marks = JournalMarks(rawValue: bytes[offset + 25])
      sequence = bytes.littleEndian(UInt64.self, at: offset + 8)
      payload = (offset + JournalFrame.headerBytes)..<end
    }
  }

  /// Copies the frame that stands at `place`.
  init(_ place: Place, of bytes: UnsafeRawBufferPointer) {
    self.init(
      place.kind, marks: place.marks, sequence: place.sequence,
      durableThrough: bytes.littleEndian(UInt64.self, at: place.offset + 16),
      payload: Array(bytes[place.payload]))
  }

  private static func checksum(_ bytes: UnsafeRawBufferPointer, segment: UInt64) -> UInt32 {
    var crc = CRC32C()
    withUnsafeBytes(of: segment.littleEndian) { crc.add($0) }
    crc.add(bytes)
    return crc.value
  }
}

/// What a batch holds besides ledger entries, so that the follower need not open the others.
package struct JournalMarks: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// Call records: to be in the database within a second.
  package static let record = JournalMarks(rawValue: 1)
  /// Alerts: to be in the outbox within a tenth of a second.
  package static let alert = JournalMarks(rawValue: 2)
  /// Bindings: only for looking, may wait.
  package static let binding = JournalMarks(rawValue: 4)
  /// Money paid in: a person waits until the database says so.
  package static let payment = JournalMarks(rawValue: 8)
}

extension [UInt8] {
  mutating func appendLittleEndian<Number: FixedWidthInteger>(_ value: Number) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}

extension UnsafeRawBufferPointer {
  func littleEndian<Number: FixedWidthInteger & BitwiseCopyable>(
    _ type: Number.Type, at offset: Int
  ) -> Number {
    Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
  }
}
