// Dice over HTTP: GET /2d6 throws two dice of six sides.
using Dice;

var app = WebApplication.CreateBuilder(args).Build();
app.MapGet("/", () => "GET /2d6 throws two dice of six sides\n");
app.MapGet("/{text}", (string text) => Roll.Parse(text) is { } roll
    ? Results.Json(roll.Throw(Random.Shared))
    : Results.BadRequest("a roll such as 2d6\n"));
app.Run();
