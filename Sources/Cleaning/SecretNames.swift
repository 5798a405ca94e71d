import Yams

/// What a secret is called: the meaning of `zones/secrets.yml`.
///
/// Letters count in any case; `-`, `_` and a leading `data-` do not count. A `*` at either end stands for any text.
package struct SecretNames: Sendable {
    /// One name, folded.
    private struct Pattern: Hashable {
        let text: [UInt8]
        let isOpenBefore: Bool
        let isOpenAfter: Bool

        func fits(_ name: ArraySlice<UInt8>) -> Bool {
            switch (isOpenBefore, isOpenAfter) {
            case (false, false): name.elementsEqual(text)
            case (true, false): name.count >= text.count && name.suffix(text.count).elementsEqual(text)
            case (false, true): name.starts(with: text)
            case (true, true): contains(name, text)
            }
        }
    }

    private var whole: Set<[UInt8]> = []
    private var open: [Pattern] = []
    private var wholeOfPages: Set<[UInt8]> = []
    private var openOfPages: [Pattern] = []
    /// What stands before a secret inside a text: `access_token=`, `bearer `. In lower case.
    let marks: [[UInt8]]
    /// The names without `*`, as they are written, in lower case.
    let plain: [String]

    /// Names that are secret whatever a file says.
    package static let least = SecretNames(
        names: [
            "access_token", "refresh_token", "id_token", "authorization", "cookie", "set-cookie", "password", "client_secret", "api_key",
            "jwt",
        ], pages: ["*csrf*", "*token"])

    private init(names: [String], pages: [String]) {
        for name in names { Self.add(name, &whole, &open) }
        for name in pages { Self.add(name, &wholeOfPages, &openOfPages) }
        plain = names.filter { !$0.contains("*") }.map { $0.lowercased() }
        let alone = ["authorization", "cookie", "set-cookie", "password", "jwt"]
        marks = (plain.filter { !alone.contains($0) } + ["input_token"]).map { Array("\($0)=".utf8) } + [Array("bearer ".utf8)]
        ownNames = names
        ownPages = pages
    }

    private let ownNames: [String]
    private let ownPages: [String]

    private static func add(_ name: String, _ whole: inout Set<[UInt8]>, _ open: inout [Pattern]) {
        let text = folded(Array(name.utf8).filter { $0 != UInt8(ascii: "*") })
        if name.contains("*") {
            open.append(Pattern(text: text, isOpenBefore: name.hasPrefix("*"), isOpenAfter: name.hasSuffix("*")))
        } else {
            whole.insert(text)
        }
    }

    /// Reads the file; its names come on top of ``least``.
    package static func parse(_ yaml: [UInt8], path: String) throws(ContractError) -> SecretNames {
        let file = ContractFile(path: path)
        guard let text = String(validating: yaml, as: UTF8.self) else {
            throw file.error(nil, "", "the file is not UTF-8", "save it as UTF-8")
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text, .basic)
        } catch let error as YamlError {
            throw file.error(error)
        } catch {
            throw file.error(nil, "", "not YAML: \(error)", nil)
        }
        guard let root else { throw file.error(nil, "", "the file is empty", "start with a names: line") }
        let top = try file.map(root, "", ["names", "pages"])
        func list(_ key: String) throws(ContractError) -> [String] {
            guard let node = top[key] else { return [] }
            let names = try file.strings(node, key)
            for name in names {
                let bare = name.drop { $0 == "*" }.reversed().drop { $0 == "*" }
                guard bare.count >= 2, !bare.contains("*"), folded(Array(name.utf8).filter { $0 != UInt8(ascii: "*") }).count >= 2 else {
                    throw file.error(node, key, "'\(name)' is no name", "write at least two letters; a * may stand at either end")
                }
            }
            return names
        }
        return SecretNames(names: least.ownNames + (try list("names")), pages: least.ownPages + (try list("pages")))
    }

    /// Whether a member of a document is secret by its name.
    func isSecret(_ name: some Collection<UInt8>) -> Bool {
        guard name.count <= 64 else { return false }
        let name = Self.folded(Array(name))
        return whole.contains(name) || open.contains { $0.fits(name[...]) }
    }

    /// Whether a variable, attribute or field of a saved page is secret by its name.
    func isSecretOfPage(_ name: some Collection<UInt8>) -> Bool {
        guard name.count >= 2, name.count <= 64 else { return false }
        var folded = Self.folded(Array(name))[...]
        if folded.starts(with: "data".utf8), folded.count > 4 { folded = folded.dropFirst(4) }
        for form in [Self.folded(Array(name))[...], folded] {
            if whole.contains(Array(form)) || wholeOfPages.contains(Array(form)) { return true }
            if open.contains(where: { $0.fits(form) }) || openOfPages.contains(where: { $0.fits(form) }) { return true }
        }
        return false
    }

    private static func folded(_ name: [UInt8]) -> [UInt8] {
        name.filter { $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "-") }.map(lower)
    }
}

/// Whether a text holds a part.
func contains(_ text: some RandomAccessCollection<UInt8>, _ part: [UInt8]) -> Bool {
    guard let first = part.first, text.count >= part.count else { return part.isEmpty }
    var at = text.startIndex
    let last = text.index(text.startIndex, offsetBy: text.count - part.count)
    while at <= last {
        if text[at] == first, text[at..<text.index(at, offsetBy: part.count)].elementsEqual(part) { return true }
        at = text.index(after: at)
    }
    return false
}
