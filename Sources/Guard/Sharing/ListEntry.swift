package import Elements

/// One entry of a reporter's list of malicious sources: what it signs, and what others hear.
///
/// The list of a reporter is append-only: its entries are numbered without gaps, and each names the one before by its
/// digest, so that nothing can be left out, put in or changed behind a reader's back.
package struct ListEntry: Hashable, Sendable {
  package enum Deed: Hashable, Sendable {
    case listing(Listing)
    /// What the reporter said of that network does not hold any more.
    case removal(IPNetwork)
  }

  /// Public key of who signs it.
  package let reporter: Bits256
  /// From 1 on.
  package let sequence: UInt64
  /// SHA-256 of the entry before, in the coding below; of the first one zeros.
  package let previous: Bits256
  /// When it was written, by the reporter's clock.
  package let at: WallTime
  package let deed: Deed

  package init(
    reporter: Bits256, sequence: UInt64, previous: Bits256, at: WallTime, deed: Deed
  ) {
    (self.reporter, self.sequence, self.previous) = (reporter, sequence, previous)
    (self.at, self.deed) = (at, deed)
  }

  package var network: IPNetwork {
    switch deed {
    case .listing(let listing): listing.network
    case .removal(let network): network
    }
  }
}

/// What a reporter knows of one network.
package struct Listing: Hashable, Sendable {
  /// What it rests on.
  package enum Evidence: UInt8, Hashable, Sendable, CaseIterable {
    /// The source has proven that it receives at its address, as everything that bans (README.md, invariant 1).
    case proven = 1
    /// Anything else; nobody acts on it.
    case claimed
  }

  package let network: IPNetwork
  /// An ``Offence/Kind``, also one that only later versions know.
  package let offence: UInt8
  package let evidence: Evidence
  /// Of what the reporter keeps about it, so that he can be asked and held to it.
  package let digest: Bits256
  package let first: WallTime
  package let last: WallTime
  package let expires: WallTime
  /// How many such offences there were.
  package let score: UInt32

  package init(
    _ network: IPNetwork, offence: UInt8, evidence: Evidence, digest: Bits256, first: WallTime,
    last: WallTime, expires: WallTime, score: UInt32
  ) {
    (self.network, self.offence, self.evidence, self.digest) = (network, offence, evidence, digest)
    (self.first, self.last, self.expires, self.score) = (first, last, expires, score)
  }

  /// "5 users with wrong credentials".
  package var words: String {
    "\(score) \(Offence.Kind(rawValue: offence)?.words ?? "offences of kind \(offence)")"
  }
}

// MARK: - The one coding

extension ListEntry {
  /// Before each entry, so that a signature of an entry is one of nothing else.
  private static let mark = Array("martinet list entry 1\n".utf8)

  /// What is signed, and what the digest is of; numbers big-endian, times in milliseconds since 1970.
  ///
  ///     mark 22 │ reporter 32 │ sequence 8 │ previous 32 │ at 8 │ 1 for a listing, 2 for a removal
  ///     network: address 16, length 1 │ of a listing also:
  ///     offence 1 │ evidence 1 │ digest 32 │ first 8 │ last 8 │ expires 8 │ score 4
  package var signedBytes: [UInt8] {
    var writer = ByteWriter(capacity: 192)
    for byte in Self.mark { writer.write(byte) }
    reporter.encode(into: &writer)
    writer.write(sequence)
    previous.encode(into: &writer)
    writer.write(at)
    switch deed {
    case .listing(let listing):
      writer.write(UInt8(1))
      listing.encode(into: &writer)
    case .removal(let network):
      writer.write(UInt8(2))
      writer.write(network)
    }
    return writer.bytes
  }

  /// Reads back what was signed; nothing else, and nothing behind it.
  package init(signedBytes bytes: [UInt8]) throws(ByteCodingError) {
    guard bytes.starts(with: Self.mark) else {
      throw ByteCodingError(expected: "an entry of a list", offset: 0)
    }
    var reader = ByteReader(Array(bytes.dropFirst(Self.mark.count)))
    reporter = try Bits256(from: &reader)
    sequence = try reader.read()
    previous = try Bits256(from: &reader)
    at = try reader.readWallTime()
    switch try reader.read(UInt8.self) {
    case 1: deed = .listing(try Listing(from: &reader))
    case 2: deed = .removal(try reader.readNetwork())
    case _: throw ByteCodingError(expected: "a listing or a removal", offset: bytes.count)
    }
    // One entry has one coding: nothing behind it, and no bits behind the length of a network.
    guard reader.isAtEnd, signedBytes == bytes else {
      throw ByteCodingError(expected: "the end of an entry", offset: bytes.count)
    }
  }
}

extension Listing {
  fileprivate func encode(into writer: inout ByteWriter) {
    writer.write(network)
    writer.write(offence)
    writer.write(evidence.rawValue)
    digest.encode(into: &writer)
    writer.write(first)
    writer.write(last)
    writer.write(expires)
    writer.write(score)
  }

  fileprivate init(from reader: inout ByteReader) throws(ByteCodingError) {
    network = try reader.readNetwork()
    offence = try reader.read()
    let start = reader.offset
    guard let evidence = Evidence(rawValue: try reader.read()) else {
      throw ByteCodingError(expected: "a class of evidence", offset: start)
    }
    self.evidence = evidence
    digest = try Bits256(from: &reader)
    (first, last) = (try reader.readWallTime(), try reader.readWallTime())
    expires = try reader.readWallTime()
    score = try reader.read()
  }
}
