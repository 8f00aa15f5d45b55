import Elements
import Guard
import Testing

@Suite struct ListEntryTests {
  private let listing = ListEntry(
    reporter: Bits256([UInt8](1...32)) ?? .zero, sequence: 0x0102_0304,
    previous: Bits256([UInt8](repeating: 9, count: 32)) ?? .zero,
    at: WallTime(unixMilliseconds: 1_795_000_000_000),
    deed: .listing(
      Listing(
        IPNetwork(test: "2001:db8:1:2::/64"), offence: 77, evidence: .proven,
        digest: Bits256([UInt8](repeating: 7, count: 32)) ?? .zero,
        first: WallTime(unixMilliseconds: 1_794_999_000_000),
        last: WallTime(unixMilliseconds: 1_794_999_999_000),
        expires: WallTime(unixMilliseconds: 1_795_000_300_000), score: 5)))

  private var removal: ListEntry {
    ListEntry(
      reporter: listing.reporter, sequence: 2, previous: .zero, at: listing.at,
      deed: .removal(IPNetwork(test: "203.0.113.7")))
  }

  @Test("What is signed is read back, kinds of later versions included")
  func roundTrip() throws {
    #expect(try ListEntry(signedBytes: listing.signedBytes) == listing)
    #expect(try ListEntry(signedBytes: removal.signedBytes) == removal)
    #expect(listing.signedBytes.count == 22 + 32 + 8 + 32 + 8 + 1 + 17 + 2 + 32 + 24 + 4)
  }

  @Test("The coding is the one of the documentation, byte for byte")
  func layout() {
    let expected: [UInt8] =
      Array("martinet list entry 1\n".utf8) + [UInt8](1...32) + [0, 0, 0, 0, 0, 0, 0, 2]
      + [UInt8](repeating: 0, count: 32) + [0, 0, 1, 161, 238, 86, 94, 0] + [2]
      + [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 203, 0, 113, 7, 32]
    #expect(removal.signedBytes == expected)
  }

  @Test("No other bytes are the same entry: nothing behind it, cut off, or in place of it")
  func strict() {
    for entry in [listing, removal] {
      let bytes = entry.signedBytes
      #expect(throws: ByteCodingError.self) { try ListEntry(signedBytes: bytes + [0]) }
      for count in 0..<bytes.count {
        #expect(throws: ByteCodingError.self) {
          try ListEntry(signedBytes: Array(bytes.prefix(count)))
        }
      }
      for index in bytes.indices {
        var other = bytes
        other[index] ^= 0x80
        if let read = try? ListEntry(signedBytes: other) { #expect(read.signedBytes == other) }
      }
    }
  }
}
