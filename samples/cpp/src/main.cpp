// CRC-32 over HTTP: GET /hello answers with the checksum of "hello".
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "crc32.hpp"

namespace {

void answer(int client) {
    timeval patience{5, 0};
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::string request;
    char buffer[1024];
    // the first line is enough
    while (request.find('\n') == std::string::npos && request.size() < 8192) {
        ssize_t n = read(client, buffer, sizeof buffer);
        if (n <= 0) break;
        request.append(buffer, static_cast<std::size_t>(n));
    }
    std::size_t from = request.find('/');
    std::size_t to = from == std::string::npos ? from : request.find(' ', from);
    std::string text = to == std::string::npos ? "" : request.substr(from + 1, to - from - 1);
    char body[32];
    int length = std::snprintf(body, sizeof body, "%08x\n", crc32(text));
    std::string response = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: " +
                           std::to_string(length) + "\r\n\r\n" + body;
    for (std::size_t at = 0; at < response.size();) {
        ssize_t n = write(client, response.data() + at, response.size() - at);
        if (n <= 0) break;
        at += static_cast<std::size_t>(n);
    }
    close(client);
}

}  // namespace

int main() {
    std::signal(SIGPIPE, SIG_IGN);
    // the first process of a container gets no default action for signals
    std::signal(SIGTERM, [](int) { _exit(0); });
    const char* port = std::getenv("PORT");
    int server = socket(AF_INET, SOCK_STREAM, 0);
    int yes = 1;
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port ? std::atoi(port) : 8080));
    if (bind(server, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(server, 64) != 0) {
        std::perror("listen");
        return 1;
    }
    for (;;) {
        int client = accept(server, nullptr, nullptr);
        if (client >= 0) std::thread(answer, client).detach();
    }
}
