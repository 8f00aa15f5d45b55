import Crypto
import Elements
import Guard
import Sharing
import Store

/// A peer who writes what he likes into his list, and signs it.
struct SignedList {
  private let signer = ListSigner(Curve25519.Signing.PrivateKey())
  private var sequence: UInt64 = 0
  private var head = Bits256.zero

  func peer(_ trust: Trust = .node) -> SharingSettings.Peer {
    SharingSettings.Peer(
      name: "first", url: "https://127.0.0.1:1", key: signer.reporter, trust: trust,
      token: Secret("0123456789abcdef"), authorities: nil)
  }

  /// The next entry as it travels.
  mutating func next(_ deed: ListEntry.Deed, at wall: WallTime) throws -> [UInt8] {
    let entry = ListEntry(
      reporter: signer.reporter, sequence: sequence + 1, previous: head, at: wall, deed: deed)
    (sequence, head) = (entry.sequence, ListSigner.digest(entry))
    return Array(try ListLine.text(try signer.sign(entry)).utf8) + [10]
  }

  mutating func listing(
    _ network: IPNetwork, at wall: WallTime, lasting: Duration = .seconds(300),
    _ evidence: Listing.Evidence = .proven
  ) throws -> [UInt8] {
    let listing = Listing(
      network, offence: 2, evidence: evidence, digest: .zero, first: wall, last: wall,
      expires: wall + lasting, score: 20)
    return try next(.listing(listing), at: wall)
  }
}
