/// The first bytes of every segment: which one it is and what it begins with.
///
///      0  "MRTNJRNL"      8  format      12  CRC-32C of bytes 16…63
///     16  number         24  kind        32  base       40  first batch
///     48  identity       56  sealed bytes                       (all little-endian)
package struct SegmentHeader: Hashable, Sendable {
  package enum Kind: UInt64, Sendable {
    /// Begins with the whole state as of `base`; nothing older is needed to rebuild it.
    case checkpoint = 1
    /// Goes on where the segment before ended or failed.
    case continuation = 2
  }

  package let number: UInt64
  package let kind: Kind
  /// Everything up to this sequence stands in the checkpoint, or in the segments before.
  package let base: UInt64
  /// Sequence of the first batch in here; what the segment before holds from there on is void.
  package let firstBatch: UInt64
  /// Drawn once for each journal, so that segments of two of them cannot be mixed.
  package let identity: UInt64
  /// How much of the file was durable before it got its name: an end before that is damage.
  package let sealedBytes: Int

  package static let sizeBytes = 64
  private static let format: UInt32 = 1
  private static let magic = Array("MRTNJRNL".utf8)

  package init(
    number: UInt64, kind: Kind, base: UInt64, firstBatch: UInt64, identity: UInt64,
    sealedBytes: Int
  ) {
    (self.number, self.kind, self.base) = (number, kind, base)
    (self.firstBatch, self.identity, self.sealedBytes) = (firstBatch, identity, sealedBytes)
  }

  package var bytes: [UInt8] {
    var body: [UInt8] = []
    body.appendLittleEndian(number)
    body.appendLittleEndian(kind.rawValue)
    body.appendLittleEndian(base)
    body.appendLittleEndian(firstBatch)
    body.appendLittleEndian(identity)
    body.appendLittleEndian(UInt64(sealedBytes))
    var crc = CRC32C()
    crc.add(body)
    var bytes = SegmentHeader.magic
    bytes.appendLittleEndian(SegmentHeader.format)
    bytes.appendLittleEndian(crc.value)
    return bytes + body
  }

  package init(_ bytes: [UInt8], path: String) throws(JournalError) {
    let damaged = JournalError.damaged(path: path, offset: 0, after: 0, what: "the header")
    guard bytes.count == SegmentHeader.sizeBytes, Array(bytes[..<8]) == SegmentHeader.magic else {
      throw damaged
    }
    let fields = bytes.withUnsafeBytes { all in
      (2..<8).map { all.littleEndian(UInt64.self, at: $0 * 8) }
    }
    let (format, sum) = bytes.withUnsafeBytes {
      ($0.littleEndian(UInt32.self, at: 8), $0.littleEndian(UInt32.self, at: 12))
    }
    guard format <= SegmentHeader.format else { throw .newerFormat(path: path, version: format) }
    var crc = CRC32C()
    crc.add(Array(bytes[16...]))
    guard crc.value == sum, let kind = Kind(rawValue: fields[1]), fields[5] < 1 << 40 else {
      throw damaged
    }
    self.init(
      number: fields[0], kind: kind, base: fields[2], firstBatch: fields[3], identity: fields[4],
      sealedBytes: Int(fields[5]))
  }

  /// "00000000000000000001.journal": sorted by name is sorted by age.
  package static func fileName(_ number: UInt64) -> String {
    let digits = String(number)
    return String(repeating: "0", count: 20 - digits.count) + digits + ".journal"
  }

  package static func number(ofFileName name: String) -> UInt64? {
    guard name.hasSuffix(".journal") else { return nil }
    return UInt64(name.dropLast(".journal".count))
  }
}
