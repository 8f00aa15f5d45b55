package import Elements
package import Numbering

/// Which country an address is in, by the files of an operator: immutable, searched in a few steps.
///
/// Both families are kept as the addresses at which the country changes, ascending, and the country from there on.
/// Of rows within each other the narrower one counts. An IPv4-mapped address is the IPv4 address.
package struct CountryTable: Equatable, Sendable {
  private let v4: CountrySteps<UInt32>
  private let v6: CountrySteps<UInt128>
  private let regions: Set<Region>

  package static let empty = CountryTable(v4: CountrySteps(), v6: CountrySteps())

  /// Codes that some files give to addresses which are in no country.
  static let unknown: Set<Region> = Set(["ZZ", "XX"].compactMap { Region($0) })

  init(v4: CountrySteps<UInt32>, v6: CountrySteps<UInt128>) {
    (self.v4, self.v6) = (v4, v6)
    regions = Set((v4.codes + v6.codes).filter { $0 != 0 }.map(Region.init(code:)))
  }

  package var isEmpty: Bool { regions.isEmpty }
  /// Stretches of addresses of one country.
  package var count: Int { v4.count + v6.count }
  package var countryCount: Int { regions.count }
  package var hasV4: Bool { v4.count > 0 }
  package var hasV6: Bool { v6.count > 0 }
  package var isWhole: Bool { hasV4 && hasV6 }
  /// Bytes of memory that it takes.
  package var size: Int { v4.size + v6.size }

  /// Whether it says anything of the family of an address; where it does not, nobody of it is in any country.
  package func covers(_ address: IPAddress) -> Bool { address.isV4 ? hasV4 : hasV6 }

  package func has(_ country: Region) -> Bool { regions.contains(country) }

  /// Nil where no row says it: private networks, and what nobody has been given.
  package func country(of address: IPAddress) -> Region? {
    let code = address.v4.map { v4.code(at: $0) } ?? v6.code(at: UInt128(address))
    return code == 0 ? nil : Region(code: code)
  }

  /// As rows of `first,last,country`, which the parser reads again.
  package var csv: [UInt8] {
    var text: [UInt8] = []
    v4.visit { first, last, code in
      Self.append(IPAddress(v4: first), IPAddress(v4: last), code, to: &text)
    }
    v6.visit { first, last, code in
      Self.append(IPAddress(first), IPAddress(last), code, to: &text)
    }
    return text
  }

  private static func append(
    _ first: IPAddress, _ last: IPAddress, _ code: UInt16, to text: inout [UInt8]
  ) {
    text.append(first)
    text.append(UInt8(ascii: ","))
    text.append(last)
    text += [
      UInt8(ascii: ","), UInt8(truncatingIfNeeded: code >> 8), UInt8(truncatingIfNeeded: code),
      UInt8(ascii: "\n"),
    ]
  }
}

/// The countries of one family.
struct CountrySteps<Key: FixedWidthInteger & UnsignedInteger & Sendable>: Equatable, Sendable {
  /// Addresses at which the country changes, ascending.
  private(set) var starts: [Key] = []
  /// The country from there on, as ``Numbering/Region/code``; 0 is none.
  private(set) var codes: [UInt16] = []

  var count: Int { codes.count { $0 != 0 } }
  var size: Int { starts.capacity * MemoryLayout<Key>.stride + codes.capacity * 2 }

  func code(at key: Key) -> UInt16 {
    var (low, high) = (0, starts.count)
    while low < high {
      let middle = (low + high) / 2
      if starts[middle] <= key { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? 0 : codes[low - 1]
  }

  /// Every stretch that is in a country.
  func visit(_ body: (_ first: Key, _ last: Key, _ code: UInt16) -> Void) {
    for index in starts.indices where codes[index] != 0 {
      let last = index + 1 < starts.count ? starts[index + 1] - 1 : Key.max
      body(starts[index], last, codes[index])
    }
  }

  /// From `key` on it is `code`; `key` is never below the last one.
  private mutating func change(at key: Key, to code: UInt16) {
    if starts.last == key {
      starts.removeLast()
      codes.removeLast()
    }
    guard codes.last ?? 0 != code else { return }
    starts.append(key)
    codes.append(code)
  }
}

extension CountrySteps {
  /// One row of a file.
  struct Row: Sendable {
    let first: Key
    let last: Key
    let code: UInt16
    let place: RowPlace
  }

  /// Lays rows over each other, narrower ones on top.
  init(_ unsorted: [Row]) throws(RowContradiction) {
    // Most files are in order.
    let isSorted = zip(unsorted, unsorted.dropFirst()).allSatisfy { !Self.isBefore($1, $0) }
    let rows = isSorted ? unsorted : unsorted.sorted(by: Self.isBefore)
    starts.reserveCapacity(rows.count + 1)
    codes.reserveCapacity(rows.count + 1)
    var open: [Row] = []
    for row in rows {
      close(&open, before: row.first)
      if let around = open.last {
        guard row.last <= around.last else { throw .crossing(row.place, around.place) }
        if (row.first, row.last) == (around.first, around.last) {
          guard row.code == around.code else { throw .twice(row.place, around.place) }
          continue
        }
      }
      change(at: row.first, to: row.code)
      open.append(row)
    }
    close(&open, before: nil)
    // What was reserved for rows that fell together is given back.
    (starts, codes) = (starts.map(\.self), codes.map(\.self))
  }

  /// The wider row first, of two that begin together.
  private static func isBefore(_ left: Row, _ right: Row) -> Bool {
    left.first == right.first ? left.last > right.last : left.first < right.first
  }

  /// Ends rows that end before a key, or all; what lies around each goes on.
  private mutating func close(_ open: inout [Row], before key: Key?) {
    while let row = open.last, key.map({ row.last < $0 }) ?? true {
      open.removeLast()
      if row.last < Key.max { change(at: row.last + 1, to: open.last?.code ?? 0) }
    }
  }
}

extension UInt128 {
  init(_ address: IPAddress) { self = UInt128(address.high) << 64 | UInt128(address.low) }
}

extension IPAddress {
  init(_ bits: UInt128) {
    self.init(
      high: UInt64(truncatingIfNeeded: bits >> 64), low: UInt64(truncatingIfNeeded: bits))
  }
}
