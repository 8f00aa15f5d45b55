import Crypto
import Elements
import Foundation
import Guard
import Sharing
import Store
import Testing

@Suite struct ListLineTests {
  private let signer = ListSigner(Curve25519.Signing.PrivateKey())

  private func signed(_ deed: ListEntry.Deed? = nil) throws -> SignedEntry {
    let wall = WallTime(unixMilliseconds: 1_795_000_000_000)
    let network = IPNetwork("2001:db8:1:2::/64") ?? IPNetwork(.v6Any)
    let listing = Listing(
      network, offence: 1, evidence: .proven, digest: ListSigner.digest(of: [1]), first: wall,
      last: wall, expires: wall + .seconds(300), score: 5)
    return try signer.sign(
      ListEntry(
        reporter: signer.reporter, sequence: 3, previous: ListSigner.digest(of: [2]), at: wall,
        deed: deed ?? .listing(listing)))
  }

  private func read(_ text: String) throws -> SignedEntry {
    try ListLine.entry(Array(text.utf8)[...])
  }

  @Test("An entry comes back as it was signed, a removal too, and says in words what it is about")
  func roundTrip() throws {
    let removal = ListEntry.Deed.removal(try #require(IPNetwork("203.0.113.7")))
    for entry in [try signed(), try signed(removal)] {
      let text = try ListLine.text(entry)
      #expect(try read(text) == entry)
      #expect(ListSigner.isRight(try read(text)))
      #expect(!text.contains("\n") && text.utf8.count < ListLine.longestBytes)
    }
    let text = try ListLine.text(try signed())
    #expect(text.contains(#""network":"2001:db8:1:2::/64""#))
    #expect(text.contains(#""offence":"wrongCredentials""#))
  }

  @Test(
    "A48: a line in which anything was changed has no right signature",
    arguments: [
      (#""sequence":3"#, #""sequence":4"#), ("2001:db8:1:2::/64", "2001:db8:1:3::/64"),
      ("2001:db8:1:2::/64", "2001:db8:1:2::/63"),
      (#""at_ms":1795000000000"#, #""at_ms":1795000000001"#),
      (#""score":5"#, #""score":6"#), ("wrongCredentials", "malformed"), ("wrongCredentials", "9"),
      (#""evidence":"proven""#, #""evidence":"claimed""#),
      (#""expires_ms":1795000300000"#, #""expires_ms":1895000300000"#),
      (#""kind":"listing""#, #""kind":"removal""#),
      (#""first_ms":1795000000000"#, #""first_ms":0"#),
      (#""last_ms":1795000000000"#, #""last_ms":0"#), (#""digest":"4"#, #""digest":"5"#),
      (#""previous":"d"#, #""previous":"e"#),
    ])
  func changed(_ old: String, _ new: String) throws {
    let text = try ListLine.text(try signed())
    try #require(text.contains(old), "\(text)")
    #expect(!ListSigner.isRight(try read(text.replacing(old, with: new))))
  }

  @Test("A48: nobody signs for another, and a key that is none signs nothing")
  func anothersKey() throws {
    let mine = try signed()
    let other = ListSigner(Curve25519.Signing.PrivateKey())
    #expect(
      !ListSigner.isRight(SignedEntry(mine.entry, signature: try other.sign(mine.entry).signature)))
    let nobody = ListEntry(
      reporter: .zero, sequence: 1, previous: .zero, at: mine.entry.at, deed: mine.entry.deed)
    #expect(!ListSigner.isRight(SignedEntry(nobody, signature: [UInt8](repeating: 0, count: 64))))
  }

  @Test("A48: what is no entry is an error, however it looks")
  func malformed() throws {
    let good = try ListLine.text(try signed())
    let wrong = [
      "", "{}", "[]", "null", "\u{0}", String(repeating: "[", count: 2_000), good + good,
      good.replacing("\"score\":5", with: "\"score\":-5"),
      good.replacing("\"score\":5", with: "\"score\":99999999999"),
      good.replacing("2001:db8:1:2::/64", with: "everybody"),
      good.replacing("\"digest\":\"4", with: "\"digest\":\"+"),
      good.replacing("\"signature\":\"", with: "\"signature\":\"AAAA"),
      good.replacing("\"expires_ms\"", with: "\"expires\""),
      good + String(repeating: " ", count: ListLine.longestBytes),
    ]
    for text in wrong {
      try #require(text != good)
      #expect(throws: ListLine.Malformed.self) { try read(text) }
    }
  }
}
