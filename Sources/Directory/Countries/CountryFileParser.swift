import Elements
import Numbering

/// Takes one file apart, row by row.
struct CountryFileParser {
  private(set) var problems: [CountryFileProblem] = []
  private(set) var total = 0
  private let file: CountryFile
  private let index: Int
  private var line = 0
  private var separator = UInt8(ascii: ",")
  private var fields: [Range<Int>] = []

  /// Which field is what.
  private struct Layout {
    enum Addresses {
      case network(Int)
      case range(first: Int, last: Int)
    }

    let addresses: Addresses
    let country: Int

    /// How many fields a row must have.
    var width: Int {
      switch addresses {
      case .network(let field): max(field, country) + 1
      case .range(let first, let last): max(first, last, country) + 1
      }
    }
  }

  init(_ file: CountryFile, _ index: Int) {
    (self.file, self.index) = (file, index)
  }

  mutating func read(_ rows: inout CountryRows) {
    if let complaint = Self.complaint(of: file.bytes) { return report("", complaint, line: 0) }
    let bytes = file.bytes
    let text = bytes.span
    var offset = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    var layout: Layout?
    while offset < text.count {
      var end = offset
      while end < text.count, text[end] != 10 { end += 1 }
      line += 1
      let content = offset..<(end > offset && text[end - 1] == 13 ? end - 1 : end)
      offset = end + 1
      guard !content.isEmpty, text[content.lowerBound] != UInt8(ascii: "#") else { continue }
      if let layout {
        split(content, upTo: layout.width, of: text)
        take(layout, text, &rows)
        continue
      }
      chooseSeparator(content, of: text)
      split(content, upTo: 32, of: text)
      if let named = namedLayout(text) {
        layout = named
      } else {
        let found = shownLayouts(text)
        guard found.count == 1 else {
          return report("", found.isEmpty ? Self.expectation : Self.ambiguity)
        }
        layout = found[0]
        take(found[0], text, &rows)
      }
    }
  }

  private static let expectation =
    "neither network,country (192.0.2.0/24,ES) nor first,last,country (192.0.2.0,192.0.2.255,ES)"

  /// A continent has two letters, too, and some continents' letters are a country's.
  private static let ambiguity =
    "more than one of its fields may be the country; put a line above it that says what they are, such as first,last,continent,country"

  private mutating func report(_ field: String, _ reason: String, line: Int? = nil) {
    total += 1
    guard problems.count < CountryFileProblems.most else { return }
    problems.append(
      CountryFileProblem(
        file: file.name, line: line ?? self.line, field: field, reason: reason))
  }

  /// What a file is that is no text.
  private static func complaint(of bytes: [UInt8]) -> String? {
    if bytes.starts(with: [0x1F, 0x8B]) { return "it is compressed; unpack it with gunzip" }
    if bytes.starts(with: Array("PK".utf8)) { return "it is an archive; unpack it with unzip" }
    if bytes.prefix(4_096).contains(0) {
      return "it is no text; of a database that comes as MMDB and as CSV the CSV is read"
    }
    if bytes.isEmpty { return "it is empty" }
    return bytes.contains(13) && !bytes.contains(10)
      ? "its lines end in CR alone; end them in LF" : nil
  }

  // MARK: - Which field is what

  private mutating func chooseSeparator(_ line: Range<Int>, of text: Span<UInt8>) {
    func count(_ byte: UInt8) -> Int { line.count { text[$0] == byte } }
    let candidates = [UInt8(ascii: ","), 9, UInt8(ascii: ";")]
    separator = candidates.max { count($0) < count($1) } ?? separator
  }

  /// By a line of headings.
  private func namedLayout(_ text: Span<UInt8>) -> Layout? {
    let names = fields.map { self.text($0, text).lowercased() }
    func place(_ known: [String]) -> Int? {
      known.lazy.compactMap { names.firstIndex(of: $0) }.first
    }
    guard
      let country = place(["country_code", "country_iso_code", "iso_code", "cc", "country"])
    else { return nil }
    if let network = place(["network", "cidr", "prefix", "range"]) {
      return Layout(addresses: .network(network), country: country)
    }
    guard
      let first = place([
        "first", "start", "start_ip", "ip_start", "range_start", "ip_from", "ip_range_start",
      ]),
      let last = place(["last", "end", "end_ip", "ip_end", "range_end", "ip_to", "ip_range_end"])
    else { return nil }
    return Layout(addresses: .range(first: first, last: last), country: country)
  }

  /// By the first row: what may be meant, none or several.
  private func shownLayouts(_ text: Span<UInt8>) -> [Layout] {
    guard let start = fields.first else { return [] }
    let isNetwork = self.network(start, text) != nil && start.contains { text[$0] == 0x2F }
    let isRange =
      fields.count > 1 && address(start, text) != nil && address(fields[1], text) != nil
    guard isNetwork || isRange else { return [] }
    let addresses = isNetwork ? Layout.Addresses.network(0) : .range(first: 0, last: 1)
    let countries = fields.indices.dropFirst(isNetwork ? 1 : 2)
      .filter { code(fields[$0], text) != nil }
    let named = countries.filter { fields[$0].count == 2 }
    return (named.isEmpty ? Array(countries.prefix(1)) : named)
      .map { Layout(addresses: addresses, country: $0) }
  }

  // MARK: - Rows

  /// Notes where the fields of a line are, quotes taken off.
  private mutating func split(_ line: Range<Int>, upTo limit: Int, of text: Span<UInt8>) {
    fields.removeAll(keepingCapacity: true)
    var offset = line.lowerBound
    while fields.count < limit {
      let isQuoted = offset < line.upperBound && text[offset] == UInt8(ascii: "\"")
      let start = isQuoted ? offset + 1 : offset
      var end = start
      let mark = isQuoted ? UInt8(ascii: "\"") : separator
      while end < line.upperBound, text[end] != mark { end += 1 }
      fields.append(start..<end)
      offset = end
      while offset < line.upperBound, text[offset] != separator { offset += 1 }
      guard offset < line.upperBound else { return }
      offset += 1
    }
  }

  private mutating func take(_ layout: Layout, _ text: Span<UInt8>, _ rows: inout CountryRows) {
    guard fields.count >= layout.width else {
      return report("", "it has \(fields.count) fields, \(layout.width) are needed")
    }
    let country = fields[layout.country]
    guard let code = code(country, text) else {
      return report(
        "country",
        "\"\(shown(country, text))\" is not a country; two letters of ISO 3166 are read, such as ES"
      )
    }
    switch layout.addresses {
    case .network(let field):
      guard let network = network(fields[field], text) else {
        return report(
          "network", "\"\(shown(fields[field], text))\" is not a network such as 192.0.2.0/24")
      }
      let hosts = network.bits == 0 ? UInt128.max : (1 << UInt128(128 - network.bits)) - 1
      add(network.address, IPAddress(UInt128(network.address) | hosts), code, &rows)
    case .range(let first, let last):
      guard let low = address(fields[first], text) else {
        return report("first", "\"\(shown(fields[first], text))\" is not an address")
      }
      guard let high = address(fields[last], text) else {
        return report("last", "\"\(shown(fields[last], text))\" is not an address")
      }
      add(low, high, code, &rows)
    }
  }

  private mutating func add(
    _ first: IPAddress, _ last: IPAddress, _ code: UInt16, _ rows: inout CountryRows
  ) {
    guard first.isV4 == last.isV4 else {
      // Files with numbers for both families have such rows between them, in no country.
      if code != 0 { report("last", "\(last) is of another family than \(first)") }
      return
    }
    guard first <= last else { return report("last", "\(last) is before \(first)") }
    let place = RowPlace(file: index, line: line)
    if let low = first.v4, let high = last.v4 {
      rows.v4.append(.init(first: low, last: high, code: code, place: place))
    } else {
      rows.v6.append(
        .init(first: UInt128(first), last: UInt128(last), code: code, place: place))
    }
  }

  // MARK: - Fields

  /// An address as text, or as a number as long as its family's.
  private func address(_ field: Range<Int>, _ text: Span<UInt8>) -> IPAddress? {
    guard field.allSatisfy({ (48...57).contains(text[$0]) }) else {
      return IPAddress(parsing: text.extracting(field))
    }
    guard (1...39).contains(field.count) else { return nil }
    var bits: UInt128 = 0
    for offset in field {
      let (product, overflow) = bits.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt128(text[offset] - 48))
      guard !overflow, !carry else { return nil }
      bits = sum
    }
    return bits < 1 << 32 ? IPAddress(v4: UInt32(bits)) : IPAddress(bits)
  }

  private func network(_ field: Range<Int>, _ text: Span<UInt8>) -> IPNetwork? {
    field.count <= 64 ? IPNetwork(self.text(field, text)) : nil
  }

  /// The country, 0 where the row says that there is none; nil for what is no country.
  private func code(_ field: Range<Int>, _ text: Span<UInt8>) -> UInt16? {
    if field.count == 2 {
      // Every row comes by here: without a text on the way.
      let letters = (text[field.lowerBound] & 0xDF, text[field.lowerBound + 1] & 0xDF)
      guard (65...90).contains(letters.0), (65...90).contains(letters.1) else { return nil }
      let region = Region(code: UInt16(letters.0) << 8 | UInt16(letters.1))
      return CountryTable.unknown.contains(region) ? 0 : region.code
    }
    guard field.count <= 7 else { return nil }
    let isNone = ["", "-", "none", "unknown"].contains(self.text(field, text).lowercased())
    return isNone ? 0 : nil
  }

  private func text(_ field: Range<Int>, _ text: Span<UInt8>) -> String {
    var bytes: [UInt8] = []
    for offset in field { bytes.append(text[offset]) }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func shown(_ field: Range<Int>, _ text: Span<UInt8>) -> String {
    field.count > 40
      ? self.text(field.lowerBound..<field.lowerBound + 40, text) + "…" : self.text(field, text)
  }
}
