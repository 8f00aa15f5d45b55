import Directory
import Elements

/// Reads a trunk.
enum TrunkReader {
  static func read(_ field: Field, _ secrets: SecretKeeper) -> TrunkEntry? {
    guard let mapping = field.mapping(ConfigurationKeys.trunk) else { return nil }
    let name = mapping.required("name")?.text()
    let address = mapping.required("address")?.text()
    guard let name, let address else { return nil }
    var trunk = TrunkEntry(name: name, address: address)
    trunk.channels = mapping.wholeNumber("channels") ?? trunk.channels
    if let register = mapping["register"]?.mapping(ConfigurationKeys.register),
      let credentials = credentials(register, name, secrets)
    {
      var registration = RegistrationEntry(credentials: credentials)
      registration.addressOfRecord = register.text("address_of_record")
      registration.expiresSeconds =
        register.wholeNumber("expires") ?? registration.expiresSeconds
      trunk.registration = registration
    }
    if let mapping = mapping["credentials"]?.mapping(ConfigurationKeys.credentials) {
      trunk.credentials = credentials(mapping, name, secrets)
    }
    readValues(mapping, &trunk)
    return trunk
  }

  private static func readValues(_ mapping: Mapping, _ trunk: inout TrunkEntry) {
    trunk.sources = mapping.texts("sources")
    trunk.clientCertificate = mapping.text("client_certificate")
    trunk.presentCertificate = mapping.text("present_certificate")
    trunk.numberFormat = mapping.text("number_format") ?? trunk.numberFormat
    trunk.prefix = mapping.text("prefix") ?? ""
    trunk.country = mapping.text("country")
    trunk.identity = mapping["identity"]?.word(TrunkIdentity.self) ?? trunk.identity
    trunk.probeSeconds = mapping.wholeNumber("probe") ?? trunk.probeSeconds
    trunk.timeoutMilliseconds = mapping.wholeNumber("timeout_ms") ?? trunk.timeoutMilliseconds
    trunk.progressSeconds = mapping.wholeNumber("progress_timeout")
    trunk.purchase = mapping["rates"]?.mapping(ConfigurationKeys.trunkRates)?.text("purchase")
    trunk.limits = LimitReader(base: LimitEntry(), level: .trunk).read(mapping["limits"])
    trunk.media = MediaReader.read(mapping) ?? MediaEntry()
    trunk.sessionTimer = MediaReader.sessionTimer(mapping["session_timer"])
  }

  private static func credentials(
    _ mapping: Mapping, _ trunk: String, _ secrets: SecretKeeper
  ) -> TrunkCredentials? {
    guard let username = mapping.required("username")?.text() else { return nil }
    let given = mapping.text("password").map { SecretText(Secret($0)) }
    guard let password = given ?? secrets.trunkPassword(trunk, username: username) else {
      mapping.field.report("the carrier's password is needed: add \"password\"")
      return nil
    }
    return TrunkCredentials(
      username: username, password: password, realm: mapping.text("realm"))
  }
}
