import Directory
import Elements
import Numbering
import Testing

@Suite struct SnapshotTests {
  @Test("A tenant is found by its domain in any case of letters, a device by realm and user name")
  func lookUps() throws {
    let snapshot = try compile(officeDocument())
    let domain = Array("OFFICE.example".utf8)
    let found = snapshot.tenant(domain: domain.span)
    let tenant = try #require(found)
    #expect(tenant.name == "office")
    #expect(device(snapshot, "Office.Example", "101") == ["Front desk"])
    #expect(device(snapshot, "office.example", "103") == nil)
    #expect(device(snapshot, "other.example", "101") == nil)
    #expect(line(snapshot, tenant, "102") == "Workshop")
    #expect(line(snapshot, tenant, "alice") == nil)
  }

  private func device(
    _ snapshot: DirectorySnapshot, _ realm: String, _ username: String
  ) -> [String]? {
    let (realm, username) = (Array(realm.utf8), Array(username.utf8))
    guard let tenant = snapshot.tenant(domain: realm.span) else { return nil }
    let device = snapshot.device(of: tenant, named: username.span)
    return device?.extensions.compactMap { snapshot.line($0)?.name }
  }

  private func line(_ snapshot: DirectorySnapshot, _ tenant: Tenant, _ user: String) -> String? {
    let user = Array(user.utf8)
    return snapshot.line(tenant.id, user: user.span)?.name
  }

  @Test("A direct number leads to its extension, its neighbour nowhere")
  func inbound() throws {
    let snapshot = try compile(officeDocument())
    let number = try #require(PhoneNumber("+34976111222"))
    let route = try #require(snapshot.inbound(number))
    #expect(route.steps.map { $0.extensions.map(\.name) } == [["Front desk"]])
    #expect(route.steps.map(\.duration) == [.seconds(30)])
    #expect(try snapshot.inbound(#require(number.advanced(by: 1))) == nil)
  }
}
