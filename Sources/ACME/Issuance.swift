import Foundation

/// One certificate from order to chain (RFC 8555 §7.4), proven by HTTP (§8.3).
package struct Issuance: Sendable {
  /// A certificate with its key, both in PEM.
  package struct Pair: Hashable, Sendable {
    package let chain: String
    package let key: String
  }

  private struct Identifier: Codable, Sendable {
    var type = "dns"
    var value: String
  }

  private struct NewOrder: Encodable, Sendable {
    let identifiers: [Identifier]
  }

  private struct Finalization: Encodable, Sendable {
    let csr: String
  }

  private struct Nothing: Encodable, Sendable {}

  private struct Problem: Decodable {
    var type: String?
    var detail: String?

    var words: AuthorityError.Problem { AuthorityError.Problem(type: type, detail: detail) }
  }

  private struct Order: Decodable {
    let status: String
    let authorizations: [String]
    let finalize: String
    var certificate: String?
    var error: Problem?
  }

  private struct Authorization: Decodable {
    let status: String
    let challenges: [Challenge]
  }

  private struct Challenge: Decodable {
    let type: String
    let url: String
    let status: String
    var token: String?
    var error: Problem?
  }

  /// An order of one name has one.
  private static let mostAuthorizations = 8
  private static let longestToken = 256
  /// For each of the two things that take an authority time.
  private static let patience = Duration.seconds(180)
  private static let usualPause = 2
  private static let longestPause = 30

  private let client: AuthorityClient
  private let board: ChallengeBoard
  private let clock: any Clock<Duration>

  /// `contacts` are addresses of mail; `authorities` is a PEM file beside the system's.
  package init(
    at directory: String, key: AccountKey, contacts: [String], authorities: String?,
    board: ChallengeBoard, clock: any Clock<Duration> = ContinuousClock()
  ) {
    client = AuthorityClient(directory, key: key, contacts: contacts, authorities: authorities)
    (self.board, self.clock) = (board, clock)
  }

  /// A new key and its certificate for a host.
  package func issue(for name: String) async throws -> Pair {
    let request = try CertificateRequest(name: name)
    let reply = try await client.post(
      NewOrder(identifiers: [Identifier(value: name)]), to: try await client.orders())
    guard let address = reply.location else {
      throw AuthorityError.nonsense("an order without an address")
    }
    var order: Order = try AuthorityClient.decode(reply.body, "the order")
    guard order.authorizations.count <= Self.mostAuthorizations else {
      throw AuthorityError.nonsense("an order with \(order.authorizations.count) authorizations")
    }
    for authorization in order.authorizations { try await prove(authorization, name) }
    let csr = Finalization(csr: Base64URL.text(request.der))
    order = try AuthorityClient.decode(
      try await client.post(csr, to: order.finalize).body, "the order")
    order = try await settled("the order for \(name)", of: address, first: order) { order in
      switch order.status {
      case "valid": true
      case "pending", "ready", "processing": false
      case _:
        throw AuthorityError.refused(
          order.error?.words
            ?? AuthorityError.Problem(type: nil, detail: "the order is \(order.status)"))
      }
    }
    guard let place = order.certificate else {
      throw AuthorityError.nonsense("a finished order without a certificate")
    }
    let chain = String(decoding: try await client.read(place).body, as: UTF8.self)
    guard request.isAnswered(by: chain, for: name) else {
      throw AuthorityError.nonsense("the certificate is not the one that was asked for")
    }
    return Pair(chain: chain, key: request.keyPEM)
  }

  /// Shows that a name is ours, unless the authority knows that from before.
  private func prove(_ address: String, _ name: String) async throws {
    let first: Authorization = try AuthorityClient.decode(
      try await client.read(address).body, "the authorization")
    guard first.status != "valid" else { return }
    guard let challenge = first.challenges.first(where: { $0.type == "http-01" }),
      let token = challenge.token, !token.isEmpty, token.utf8.count <= Self.longestToken,
      Base64URL.isText(token)
    else { throw AuthorityError.nonsense("no challenge over HTTP (http-01)") }
    board.put(client.authorization(of: token), for: token)
    defer { board.take(token) }
    _ = try await client.post(Nothing(), to: challenge.url)
    _ = try await settled("looking at \(name)", of: address, first: first) { authorization in
      switch authorization.status {
      case "valid": true
      case "pending", "processing": false
      case _:
        throw AuthorityError.unproven(
          name: name, authorization.challenges.compactMap(\.error).first?.words)
      }
    }
  }

  /// Reads again until something has come to an end.
  private func settled<Thing: Decodable>(
    _ what: String, of address: String, first: Thing, isEnd: (Thing) throws -> Bool
  ) async throws -> Thing {
    var (thing, pause, waited) = (first, Self.usualPause, Duration.zero)
    while try !isEnd(thing) {
      guard waited < Self.patience else { throw AuthorityError.late(what) }
      try await clock.sleep(for: .seconds(pause))
      waited += .seconds(pause)
      let reply = try await client.read(address)
      thing = try AuthorityClient.decode(reply.body, what)
      pause = min(max(reply.retryAfterSeconds ?? Self.usualPause, 1), Self.longestPause)
    }
    return thing
  }
}
