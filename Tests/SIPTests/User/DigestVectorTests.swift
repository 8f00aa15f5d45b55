import Elements
import TestKit
import Testing

@testable import SIP
@testable import SIPSyntax

@Suite struct DigestVectorTests {
  struct Vector: Sendable, CustomTestStringConvertible {
    let source: String
    let algorithm: DigestAlgorithm
    let fields: [String]

    init?(_ fields: [String]) {
      guard fields.count == 12, let algorithm = DigestAlgorithm(DigestAlgorithmName(fields[1]))
      else { return nil }
      (source, self.algorithm, self.fields) = (fields[0], algorithm, fields)
    }

    var testDescription: String { source }
    func bytes(_ index: Int) -> [UInt8] { Array(fields[index].utf8) }
  }

  static let vectors = (try? Fixtures.table("digest/vectors.tsv"))?.compactMap(Vector.init) ?? []

  @Test("All vectors are legible")
  func count() {
    #expect(Self.vectors.count == 14)
  }

  @Test("RFC 7616 §3.4.1, RFC 2617 §3.5: responses of others", arguments: vectors)
  func response(vector: Vector) {
    let ha1 = DigestSecrets.hash(
      user: vector.bytes(2), realm: vector.bytes(3), password: Secret(vector.bytes(4)),
      algorithm: vector.algorithm)
    let hasQOP = vector.fields[10] == "auth"
    let (uri, nonce) = (vector.bytes(6), vector.bytes(7))
    let (count, cnonce) = (hasQOP ? vector.bytes(8) : [], vector.bytes(9))
    let response = DigestResponse.compute(
      vector.algorithm, ha1: ha1.span, method: Method(vector.fields[5]), uri: uri.span,
      nonce: nonce.span, count: count.span, cnonce: cnonce.span)
    #expect(response.bytes == vector.bytes(11))
  }

  @Test("RFC 7616 §3.4.2: HA1 of others")
  func ha1() throws {
    for row in try Fixtures.table("digest/ha1.tsv") where row[0].hasPrefix("opensips") {
      let algorithm = try #require(DigestAlgorithm(DigestAlgorithmName(row[1])))
      let parts = row[2].split(separator: ":").map { Array($0.utf8) }
      let ha1 = DigestSecrets.hash(
        user: parts[0], realm: parts[1], password: Secret(parts[2]), algorithm: algorithm)
      #expect(ha1 == Array(row[3].utf8))
    }
  }
}
