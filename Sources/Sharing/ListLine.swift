package import Elements
import Foundation
import Guard
package import Store

/// An entry as it travels: one JSON object on one line (docs/operator/sharing.md).
///
/// The signature is over the bytes that ``ListEntry/signedBytes`` makes of these fields, so that nothing which is read
/// here is unsigned; fields that we do not know are left alone.
package struct ListLine: Codable, Sendable {
  private enum Deed: String, Codable {
    case listing, removal
  }

  private enum CodingKeys: String, CodingKey {
    case reporter, sequence, previous, kind, network, offence, evidence, digest, score, signature
    case at = "at_ms"
    case first = "first_ms"
    case last = "last_ms"
    case expires = "expires_ms"
  }

  /// A line that is no entry, and why.
  package struct Malformed: Error, CustomStringConvertible {
    package let description: String
  }

  /// Longer ones are none.
  package static let longestBytes = 2_048

  private let reporter: String
  private let sequence: UInt64
  private let previous: String
  private let at: Int64
  private let kind: Deed
  private let network: String
  private var offence: String?
  private var evidence: String?
  private var digest: String?
  private var first: Int64?
  private var last: Int64?
  private var expires: Int64?
  private var score: UInt32?
  private let signature: String

  package init(_ signed: SignedEntry) {
    let entry = signed.entry
    reporter = Data(entry.reporter.bytes).base64EncodedString()
    (sequence, previous) = (entry.sequence, "\(entry.previous)")
    (at, network) = (entry.at.unixMilliseconds, "\(entry.network)")
    signature = Data(signed.signature).base64EncodedString()
    switch entry.deed {
    case .removal: kind = .removal
    case .listing(let listing):
      kind = .listing
      offence = Self.name(ofOffence: listing.offence)
      evidence = "\(listing.evidence)"
      (digest, score) = ("\(listing.digest)", listing.score)
      (first, last) = (listing.first.unixMilliseconds, listing.last.unixMilliseconds)
      expires = listing.expires.unixMilliseconds
    }
  }

  /// The line, without its end.
  package static func text(_ signed: SignedEntry) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(ListLine(signed)), as: UTF8.self)
  }

  package static func entry(_ line: ArraySlice<UInt8>) throws(Malformed) -> SignedEntry {
    guard line.count <= longestBytes else {
      throw Malformed(description: "a line of \(line.count) bytes is no entry")
    }
    do {
      return try JSONDecoder().decode(ListLine.self, from: Data(line)).signed
    } catch let error as Malformed { throw error } catch {
      throw Malformed(description: "a line is no entry in JSON")
    }
  }

  private var signed: SignedEntry {
    get throws(Malformed) {
      guard let reporter = Self.key(reporter), let previous = Self.bits(previous) else {
        throw Malformed(description: "entry \(sequence) has no reporter or no predecessor")
      }
      guard let network = IPNetwork(network) else {
        throw Malformed(description: "entry \(sequence) has no network")
      }
      guard let signature = Data(base64Encoded: signature), signature.count == 64 else {
        throw Malformed(description: "entry \(sequence) has no signature")
      }
      let deed: ListEntry.Deed =
        switch kind {
        case .removal: .removal(network)
        case .listing: .listing(try listing(of: network))
        }
      return SignedEntry(
        ListEntry(
          reporter: reporter, sequence: sequence, previous: previous,
          at: WallTime(unixMilliseconds: at), deed: deed), signature: Array(signature))
    }
  }

  private func listing(of network: IPNetwork) throws(Malformed) -> Listing {
    let classes = Listing.Evidence.allCases
    guard let offence = offence.flatMap(Self.offence(named:)),
      let evidence = classes.first(where: { "\($0)" == self.evidence }),
      let digest = digest.flatMap(Self.bits), let first, let last, let expires, let score
    else { throw Malformed(description: "entry \(sequence) is an incomplete listing") }
    return Listing(
      network, offence: offence, evidence: evidence, digest: digest,
      first: WallTime(unixMilliseconds: first), last: WallTime(unixMilliseconds: last),
      expires: WallTime(unixMilliseconds: expires), score: score)
  }

  // MARK: - Words

  /// "wrongCredentials"; of kinds that only later versions know the number.
  private static func name(ofOffence number: UInt8) -> String {
    Offence.Kind(rawValue: number).map { "\($0)" } ?? "\(number)"
  }

  private static func offence(named name: String) -> UInt8? {
    Offence.Kind.allCases.first { "\($0)" == name }?.rawValue ?? UInt8(name)
  }

  /// A public key in base64.
  package static func key(_ text: String) -> Bits256? {
    Data(base64Encoded: text).flatMap { Bits256(Array($0)) }
  }

  private static func bits(_ text: String) -> Bits256? {
    let digits = text.utf8.compactMap { UInt8(String(UnicodeScalar($0)), radix: 16) }
    guard digits.count == 64, text.utf8.count == 64 else { return nil }
    return Bits256(stride(from: 0, to: 64, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
  }
}
