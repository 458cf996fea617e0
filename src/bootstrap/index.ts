// Stand-ins for well-known base images, made of Debian's packages where no registry answers.
export { bootstrap, type Bootstrapped, type BootstrapOptions, recipeFor } from './bootstrap.ts';
export { type Recipe, RECIPES, tagsOf } from './recipes.ts';
